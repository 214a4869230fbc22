/** `airgap plan`: what mirror would copy. Writes nothing anywhere. */
import { prepareMirror } from '../../corridor.ts';
import { bundleFields, reservationRows } from '../bundle/bundle-text.ts';
import { beforeLoading } from '../bundle/loading.ts';
import type { Invocation } from '../define/wiring.ts';
import { exitCodeOfRun } from '../exit.ts';
import { failureLines, failuresOf } from '../failures.ts';
import { withMirrorRun } from '../mirror-run.ts';
import { planFields, planLines } from '../plan-text.ts';
import { upgradePart } from '../releases/upgrade-text.ts';
import { jsonLine } from '../report/json.ts';
import { inSession } from '../session.ts';
import { readSettings } from '../settings.ts';

/** A plan in which an image cannot be resolved is no success: the status is that of a mirror that would stop here. */
export function plan({ inputs, flags, context }: Invocation): Promise<number> {
  const settings = readSettings(inputs, flags, context);
  return inSession({ settings, context }, (session) =>
    withMirrorRun(session, {
      flags,
      write: false,
      work: async (run) => {
        const { writing, loading } = run;
        const prepared = await prepareMirror(run.job);
        const more = writing === undefined ? [] : reservationRows(writing.reserved, settings.bundle.onlyVolume);
        const bundle = writing === undefined ? {} : { bundle: bundleFields(writing.reserved) };
        if (settings.output.json)
          context.stdout.write(`${jsonLine({ ...planFields(prepared), ...bundle, ...upgradePart(run.upgrade) }, 2)}\n`);
        else session.reporter.text(planLines(prepared, { columns: session.columns, more }));
        if (loading !== undefined) await beforeLoading(session, { run, loading, prepared });
        session.reporter.problem(failureLines(failuresOf(prepared)));
        return exitCodeOfRun({
          complete: prepared.plan.images.length + prepared.plan.unchanged.length,
          failures: prepared.failures.map(({ error }) => error),
          findings: 0,
        });
      },
    }),
  );
}
