/** `airgap verify --as talos@VERSION`: would a node of that release, with this configuration, find its images? */
import { type Diagnosis, diagnose } from '../../node/diagnose.ts';
import { parseReference, printReference } from '../../oci/reference.ts';
import type { TalosVersion } from '../../talos/version.ts';
import { verifyAsNode } from '../../verify/as-node/as-node.ts';
import { imagesOfPlaces, type NodeImage } from '../../verify/as-node/expected.ts';
import { siteNamesOf } from '../../verify/as-node/site.ts';
import type { NodeVerification } from '../../verify/as-node/verdict.ts';
import type { Invocation } from '../define/wiring.ts';
import { exitCodes } from '../exit.ts';
import { type Flags, listFlag, switchFlag, textFlag } from '../flags.ts';
import { beyondKnown } from '../releases/beyond-known.ts';
import { jsonLine } from '../report/json.ts';
import { goOn, inSession, type Session } from '../session.ts';
import { readSettings } from '../settings.ts';
import { usageError } from '../values.ts';
import { askedImages } from './asked-images.ts';
import { type Configuration, configurationFor } from './configuration.ts';
import { explainLines } from './explain-text.ts';
import { readNodeRelease } from './release.ts';
import { openNodeConnections } from './transport.ts';
import { configurationLine, diagnosisLines, failureLines, verdictLines } from './verdict-text.ts';

/** Exit status 5 when an image is not found as it should be, and when the configuration has an error. */
export async function verifyAs({ inputs, flags, context }: Invocation): Promise<number> {
  const version = readNodeRelease(textFlag(flags, 'as') ?? '');
  const settings = readSettings(inputs, { ...flags, config: undefined }, context);
  const wanted = {
    version,
    configFiles: listFlag(flags, 'config'),
    secrets: textFlag(flags, 'secrets'),
    explain: listFlag(flags, 'explain'),
    deep: switchFlag(flags, 'deep'),
  };
  return await inSession({ settings, context }, (session) => asNode(session, wanted));
}

/** Throws ERR_USAGE for options that only mean something with `--as`. */
export function refuseNodeOptions(flags: Flags): void {
  for (const name of ['config', 'explain', 'platform']) {
    if (listFlag(flags, name).length > 0)
      throw usageError(`Cannot use --${name} without --as`, `give the release of the nodes, as in --as talos@v1.14.4`);
  }
}

interface Wanted {
  readonly version: TalosVersion;
  readonly configFiles: readonly string[];
  readonly secrets: string | undefined;
  readonly explain: readonly string[];
  readonly deep: boolean;
}

async function asNode(session: Session, { version, configFiles, secrets, explain, deep }: Wanted): Promise<number> {
  const { settings, reporter, signal } = session;
  const beyond = beyondKnown(version);
  if (beyond !== undefined) reporter.event({ type: 'notice', message: beyond });
  const asked = await askedImages(session, {
    mayLackLock: explain.length > 0,
    needsAddress: configFiles.length === 0,
  });
  const explained = explainedAmong(asked.images, explain);
  const configuration = await configurationFor(session, { files: configFiles, secrets, version, asked });
  const { config } = configuration;
  reporter.event({ type: 'phase', phase: 'verify' });
  const connections = openNodeConnections({
    trustedRoots: config.trustedRoots,
    siteNames: siteNamesOf(config, asked.siteHosts),
    proxy: settings.proxy,
    concurrency: settings.target.concurrency,
    retries: settings.retries,
    idleTimeoutMs: settings.idleTimeoutMs,
    signal,
    events: reporter.event,
  });
  try {
    const verification = await verifyAsNode(onceEach([...asked.images, ...explained]), {
      config,
      version,
      transport: connections,
      siteHosts: asked.siteHosts,
      platforms: settings.wish.platforms,
      deep,
      repairTarget: asked.repairTarget,
      signal,
      events: reporter.event,
    });
    goOn(signal);
    return tell(session, { verification, configuration, diagnoses: diagnose(config, { version }), explained });
  } finally {
    await connections.close();
  }
}

interface Result {
  readonly verification: NodeVerification;
  readonly configuration: Configuration;
  readonly diagnoses: readonly Diagnosis[];
  /** Whose whole way is told. */
  readonly explained: readonly NodeImage[];
}

/** Gives the exit status. */
function tell(session: Session, { verification, configuration, diagnoses, explained }: Result): number {
  const { settings, context, reporter, columns } = session;
  const isRight =
    verification.images.every(({ verdict }) => verdict === 'found') &&
    diagnoses.every(({ severity }) => severity !== 'error');
  const exitCode = isRight ? exitCodes.ok : exitCodes.mismatch;
  if (settings.output.json) {
    const { from, files } = configuration;
    context.stdout.write(`${jsonLine({ exitCode, configuration: { from, files }, diagnoses, ...verification }, 2)}\n`);
    return exitCode;
  }
  const shown = new Set(explained.map(({ asked }) => asked));
  reporter.text([
    configurationLine(configuration, verification.version),
    ...verification.images.filter(({ image }) => shown.has(image)).flatMap((image) => explainLines(image, columns)),
    ...verdictLines(verification, columns),
  ]);
  reporter.problem([...diagnoses.flatMap(diagnosisLines), ...failureLines(verification)]);
  return exitCode;
}

/** Images by any of the names they have; one that is not among them is asked for as well. */
function explainedAmong(images: readonly NodeImage[], names: readonly string[]): NodeImage[] {
  return names.flatMap((text) => {
    const reference = parseReference(text);
    const name = printReference(reference);
    const known = images.filter((image) => namesOf(image).includes(name));
    return known.length > 0 ? known : imagesOfPlaces([{ source: reference, target: reference }]);
  });
}

function namesOf({ asked, source, image }: NodeImage): string[] {
  const { digest: _, ...tagged } = source;
  return [
    asked,
    printReference(source),
    printReference(image),
    ...(tagged.tag === undefined ? [] : [printReference(tagged)]),
  ];
}

function onceEach(images: readonly NodeImage[]): NodeImage[] {
  return [...new Map(images.map((image) => [image.asked, image])).values()];
}
