/** `airgap emit`: the Talos configuration for a mirror, from its lock or from a list and an address. */
import type { Lock } from '../../lock/lock.ts';
import type { Mirror } from '../../mirror/rule.ts';
import { printTalosVersion } from '../../talos/version.ts';
import type { Invocation } from '../define/wiring.ts';
import { exitCodes } from '../exit.ts';
import { writeFileAtomic } from '../files.ts';
import { gatherInputs } from '../inputs.ts';
import { requireLock } from '../lock-file.ts';
import {
  configVersionFor,
  endpointOfThisMachine,
  mirrorsFor,
  patchText,
  ruleFor,
  unreachableText,
} from '../placing.ts';
import { jsonLine } from '../report/json.ts';
import { readSettings, type Settings } from '../settings.ts';
import { usageError } from '../values.ts';

export async function emit({ inputs, flags, context }: Invocation): Promise<number> {
  // Here --talos names the release to write for, not images to be mirrored.
  const settings = readSettings(inputs, { ...flags, talos: undefined, talosVersion: flags.talos }, context);
  const { mirrors, registries } = await mirrorsToEmit(settings, {
    stdin: context.stdin,
    stderr: context.stderr,
    env: context.env,
    signal: context.signal,
  });
  const version = configVersionFor(settings);
  const text = patchText({ mirrors, version, registries }, settings.outputFile ?? settings.patchFile);
  if (settings.outputFile !== undefined) await writeFileAtomic(settings.outputFile, text);
  const unreachable = endpointOfThisMachine(mirrors);
  if (unreachable !== undefined && !settings.output.quiet)
    context.stderr.write(`warning: ${unreachableText(unreachable)}\n`);
  if (settings.output.json) {
    context.stdout.write(
      `${jsonLine({ talos: printTalosVersion(version), mirrors, file: settings.outputFile, text }, 2)}\n`,
    );
  } else if (settings.outputFile === undefined) {
    context.stdout.write(text);
  } else if (!settings.output.quiet) {
    context.stderr.write(`wrote ${settings.outputFile} for Talos ${printTalosVersion(version)}\n`);
  }
  return exitCodes.ok;
}

interface Emittable {
  readonly mirrors: readonly Mirror[];
  /** Upstream registries that are mirrored. */
  readonly registries: readonly string[];
}

async function mirrorsToEmit(settings: Settings, context: Parameters<typeof gatherInputs>[1]): Promise<Emittable> {
  if (settings.inputs.length === 0) return fromLock(await requireLock(settings.lockFile), settings);
  const gathered = await gatherInputs(settings, context);
  const [lock] = gathered.locks;
  if (lock !== undefined && !settings.toGiven)
    return fromLock({ ...lock, images: gathered.locks.flatMap(({ images }) => images) }, settings);
  const requests = gathered.requests.map(({ reference }) => ({ reference }));
  const rule = ruleFor(settings.to, settings.prefixByRegistry);
  const mirrors = mirrorsFor(requests, { rule, endpoint: endpointIn(settings), perRegistry: settings.perRegistry });
  return { mirrors, registries: registriesOf(requests) };
}

/** The lock's own mirrors, unless another address or another form is asked for. */
function fromLock(lock: Lock, settings: Settings): Emittable {
  const requests = lock.images.map(({ source }) => ({ reference: source }));
  const rule = settings.toGiven ? ruleFor(settings.to, settings.prefixByRegistry) : lock.rule;
  const isOwn = !settings.toGiven && settings.endpoint === undefined && !settings.perRegistry;
  const endpoint = settings.endpoint ?? (settings.toGiven ? endpointIn(settings) : lock.mirrors[0]?.endpoint);
  if (!isOwn && endpoint === undefined) throw unknownEndpoint();
  if (isOwn && lock.mirrors.length === 0) throw unknownEndpoint();
  const mirrors = isOwn ? lock.mirrors : mirrorsFor(requests, { rule, endpoint, perRegistry: settings.perRegistry });
  return { mirrors, registries: registriesOf(requests) };
}

function endpointIn(settings: Settings): string {
  if (settings.endpoint !== undefined) return settings.endpoint;
  if (settings.to.kind !== 'registry') throw unknownEndpoint();
  if (settings.to.scheme !== undefined) return `${settings.to.scheme}://${settings.to.host}`;
  throw usageError(
    `Cannot write the endpoint of "${settings.to.host}": its scheme is not known here`,
    `write --to http://${settings.to.host} or --to https://${settings.to.host}`,
  );
}

function unknownEndpoint(): Error {
  return usageError(
    'Cannot write the Talos configuration: the address nodes will use is not known',
    'name it with --endpoint, for example --endpoint http://10.5.0.1:6000',
  );
}

function registriesOf(requests: readonly { readonly reference: { readonly registry: string } }[]): string[] {
  return [...new Set(requests.map(({ reference }) => reference.registry))].sort();
}
