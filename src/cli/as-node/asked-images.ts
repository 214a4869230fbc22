/** Which images a node is to be asked for, and by which mirrors: from a lock, or from lists and an address. */
import { resolve } from 'node:path';
import { type Mirror, placeImage } from '../../mirror/rule.ts';
import type { RegistryLocation } from '../../store/location.ts';
import { imagesOfLock, imagesOfPlaces, type NodeImage } from '../../verify/as-node/expected.ts';
import { locationOf, onlyLock, placedAnew } from '../given-lock.ts';
import { type GatheredInputs, gatherInputs } from '../inputs.ts';
import { readLock, requireLock, sameRule } from '../lock-file.ts';
import { openTarget } from '../open.ts';
import { mirrorsFor, repairPlace, ruleFor } from '../placing.ts';
import type { Session } from '../session.ts';
import { patchBeside } from '../settings.ts';
import { usageError } from '../values.ts';

export interface AskedImages {
  readonly images: readonly NodeImage[];
  /** As a configuration for them would have them; empty when no address is known. */
  readonly mirrors: readonly Mirror[];
  /** Hosts that the lock or `--to` name as the target. */
  readonly siteHosts: readonly string[];
  /** What `--to` says, for the commands that repair. */
  readonly repairTarget: string;
  /** Where the configuration stands that was written with the lock; undefined where images are looked for elsewhere. */
  readonly patchFile: string | undefined;
}

export interface AskedOptions {
  /** Where neither an input nor the lock is there, no image is asked for. */
  readonly mayLackLock: boolean;
  /** The address of `--to` has to be known, as no configuration was given. */
  readonly needsAddress: boolean;
}

/** Reads the inputs, or the lock. Throws as gatherInputs() and requireLock(). */
export async function askedImages(session: Session, options: AskedOptions): Promise<AskedImages> {
  const { settings, context, signal } = session;
  const given = settings.inputs.length === 0 ? undefined : await gatherInputs(settings, { ...context, signal });
  const read = options.mayLackLock && !settings.lockGiven ? readLock : requireLock;
  const lock = given === undefined ? await read(settings.lockFile) : onlyLock(given);
  const lockFile = given === undefined ? settings.lockFile : resolve(settings.cwd, settings.inputs[0] ?? '');
  if (lock === undefined) return await fromLists(session, { requests: given?.requests ?? [], ...options });
  const patchFile = given === undefined ? settings.patchFile : patchBeside(lockFile);
  const to = settings.toGiven ? settings.to : locationOf(lock, settings);
  const rule = settings.toGiven
    ? ruleFor(to, settings.prefixByRegistry || lock.rule.naming === 'by-registry')
    : lock.rule;
  const isThere = sameRule(lock.rule, rule);
  const placed = isThere ? lock : placedAnew(lock, { rule, endpoint: await endpointOf(session, options) });
  const hosts = placed.mirrors.map(({ endpoint }) => new URL(endpoint).host);
  return {
    images: imagesOfLock(placed),
    mirrors: placed.mirrors,
    siteHosts: placed.rule.registry === '' ? hosts : [...hosts, placed.rule.registry],
    repairTarget: repairPlace(to, placed.rule),
    patchFile: isThere ? patchFile : undefined,
  };
}

async function fromLists(
  session: Session,
  { requests, ...options }: Pick<GatheredInputs, 'requests'> & AskedOptions,
): Promise<AskedImages> {
  const { settings } = session;
  const rule = ruleFor(settings.to, settings.prefixByRegistry);
  const images = requests.map(({ reference: source, retag }) => {
    const placed = { source, ...(retag && { retag }) };
    return { ...placed, target: placeImage(rule, placed) };
  });
  const endpoint = settings.toGiven ? await endpointOf(session, options) : undefined;
  return {
    images: imagesOfPlaces(images),
    mirrors: mirrorsFor(requests, { rule, endpoint, perRegistry: false }),
    siteHosts: settings.toGiven && settings.to.kind === 'registry' ? [settings.to.host] : [],
    repairTarget: settings.toGiven ? repairPlace(settings.to, rule) : 'HOST',
    patchFile: undefined,
  };
}

/** Where nodes reach `--to`: by the scheme that was written, else by the one that is spoken there. */
async function endpointOf(session: Session, { needsAddress }: AskedOptions): Promise<string | undefined> {
  const { to } = session.settings;
  if (!needsAddress) return undefined;
  if (to.kind !== 'registry') {
    throw usageError(
      'Cannot ask a directory or a bundle as a node would: no node can reach it',
      'serve it (airgap serve), and give its address with --to or the configuration of the nodes with --config',
    );
  }
  return to.scheme === undefined ? await spokenAt(session, to) : `${to.scheme}://${to.host}`;
}

async function spokenAt(session: Session, to: RegistryLocation): Promise<string> {
  const target = await openTarget(session, { to, write: false });
  await target.close();
  return target.endpoint ?? `https://${to.host}`;
}
