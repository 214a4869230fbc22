/** Which images a list of egress is for: those that are named, else those of the lock, else a piped list or what talosctl prints. */
import type { AirgapError } from '../../errors.ts';
import type { Lock } from '../../lock/lock.ts';
import type { Reference } from '../../oci/reference.ts';
import { releaseOf } from '../../plan/origins.ts';
import type { Location } from '../../store/location.ts';
import type { TalosVersion } from '../../talos/version.ts';
import type { ConfigGroup } from '../extras/configs.ts';
import { catalogueRegistries, withExtraImages } from '../extras/extra-images.ts';
import { refuseLoneExtras } from '../extras/settings.ts';
import { locationOf, onlyLock } from '../given-lock.ts';
import { gatherInputs, gatherOrFind } from '../inputs.ts';
import { readLock } from '../lock-file.ts';
import { nearName } from '../next-text.ts';
import type { Session } from '../session.ts';
import { usageError } from '../values.ts';
import type { SaidBy } from './said-by.ts';
import type { EgressSettings } from './settings.ts';

export interface EgressImages {
  /** Empty where only components were asked for. */
  readonly images: readonly Reference[];
  /** Upstream registries that are read: those of the images, and of catalogues. */
  readonly registries: readonly string[];
  /** The release the images are for, where an input told. */
  readonly talos: TalosVersion | undefined;
  /** The lock they come from, where they come from one. */
  readonly lock: Lock | undefined;
  /** What `--config` names. */
  readonly configs: readonly ConfigGroup[];
  /** Where they go; undefined: not said. */
  readonly to: Location | undefined;
  /** What said so: `--to`, `airgap.yaml: target.to`, or the lock's name. */
  readonly toBy: string;
}

/** Contacts nobody. Throws as gatherInputs() and withExtraImages(). */
export async function egressImages(
  session: Session,
  { egress, by }: { readonly egress: EgressSettings; readonly by: SaidBy },
): Promise<EgressImages> {
  const { settings, reporter, context, signal } = session;
  refuseLoneExtras(settings);
  const { inputs, declared, talos, extras } = settings;
  const names = inputs.length > 0 || declared.length > 0 || talos !== undefined || extras.configs.length > 0;
  const { stdin, stderr, env } = context;
  const given = { stdin, stderr, env, signal, nothing: () => nothingNamed(session, egress) };
  const place = { to: settings.toGiven ? settings.to : undefined, toBy: by('to') };
  if (!names && egress.components.length > 0)
    return { ...place, images: [], registries: [], talos: undefined, lock: undefined, configs: [] };
  const kept = names ? undefined : await readLock(settings.lockFile);
  if (kept !== undefined) {
    const name = nearName(settings.cwd, settings.lockFile);
    reporter.event({
      type: 'notice',
      message: `no images were named: those of ${name} are meant (a list from a pipe is named -)`,
    });
    return fromLock(kept, { session, name, by, configs: [] });
  }
  const gathered = await withExtraImages(
    names ? await gatherInputs(settings, given) : await gatherOrFind(settings, given),
    settings,
  );
  for (const message of gathered.notices) reporter.event({ type: 'notice', message });
  for (const message of gathered.warnings ?? []) reporter.event({ type: 'notice', message, isWarning: true });
  const { configs } = gathered;
  const lock = onlyLock(gathered);
  if (lock !== undefined) return fromLock(lock, { session, name: inputs[0] ?? 'the lock', by, configs });
  const images = gathered.requests.map(({ reference }) => reference);
  return {
    ...place,
    images,
    registries: registriesOf(images, catalogueRegistries(settings)),
    talos: gathered.talos,
    lock: undefined,
    configs,
  };
}

function nothingNamed({ settings }: Session, { action, observed }: EgressSettings): AirgapError {
  const command = action === 'list' ? 'airgap egress' : `airgap egress ${action}`;
  const lock = nearName(settings.cwd, settings.lockFile);
  return usageError(
    [
      `Cannot tell what has to be opened: no images were named, there is no ${lock}, nothing was piped in, and there is no talosctl on PATH`,
      `${command} --talos v1.14.4 --to 10.5.0.1:6000`,
      `${command} images.txt --to 10.5.0.1:6000`,
      `${command} --components talos,omni`,
      ...(observed ? ['--observed reads from the lock of "airgap mirror" whom it contacted'] : []),
    ].join('\n'),
  );
}

function fromLock(
  lock: Lock,
  about: {
    readonly session: Session;
    readonly name: string;
    readonly by: SaidBy;
    readonly configs: readonly ConfigGroup[];
  },
): EgressImages {
  const { session, name, by, configs } = about;
  const { settings } = session;
  const images = lock.images.map(({ source }) => source);
  return {
    images,
    registries: registriesOf(images, catalogueRegistries(settings)),
    talos: releaseOf(lock.images),
    lock,
    configs,
    to: settings.toGiven ? settings.to : locationOf(lock, settings),
    toBy: settings.toGiven ? by('to') : name,
  };
}

function registriesOf(images: readonly Reference[], more: readonly string[]): string[] {
  return [...new Set([...images.map(({ registry }) => registry), ...more])].sort();
}
