/** `airgap plan`: what mirror would copy. Writes nothing anywhere. */
import { prepareMirror } from '../../corridor.ts';
import { reservationRows } from '../bundle/bundle-text.ts';
import type { Invocation } from '../define/wiring.ts';
import { exitCodeOfRun } from '../exit.ts';
import { failureLines, failuresOf } from '../failures.ts';
import { withMirrorRun } from '../mirror-run.ts';
import { planFields, planLines } from '../plan-text.ts';
import { jsonLine } from '../report/json.ts';
import { inSession } from '../session.ts';
import { readSettings } from '../settings.ts';

/** A plan in which an image cannot be resolved is no success: the status is that of a mirror that would stop here. */
export function plan({ inputs, flags, context }: Invocation): Promise<number> {
  const settings = readSettings(inputs, flags, context);
  return inSession({ settings, context }, (session) =>
    withMirrorRun(session, {
      write: false,
      work: async ({ job, writing }) => {
        const prepared = await prepareMirror(job);
        const more = writing === undefined ? [] : reservationRows(writing.reserved);
        if (settings.output.json) context.stdout.write(`${jsonLine(planFields(prepared), 2)}\n`);
        else session.reporter.text(planLines(prepared, { columns: session.columns, more }));
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
