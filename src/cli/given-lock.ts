/** A lock that was given: whether it stands alone, where it says its images are, and the same images at another place. */
import type { Lock } from '../lock/lock.ts';
import type { MirrorRule } from '../mirror/rule.ts';
import { type Location, parseLocation } from '../store/location.ts';
import type { GatheredInputs } from './inputs.ts';
import { sameRule } from './lock-file.ts';
import { mirrorsFor, placedBy } from './placing.ts';
import type { Settings } from './settings.ts';

/** A lock alone is held against the target digest by digest; among other inputs its references count like theirs. */
export function onlyLock({ locks, requests }: GatheredInputs): Lock | undefined {
  const [lock, ...others] = locks;
  return lock !== undefined && others.length === 0 && requests.length === lock.images.length ? lock : undefined;
}

/** Where a lock says its images are: the registry by the scheme nodes use; a layout is where it is by default. */
export function locationOf(lock: Lock, settings: Settings): Location {
  const { rule, mirrors } = lock;
  if (rule.naming === 'keep') return settings.to;
  const endpoint =
    mirrors.map((mirror) => mirror.endpoint).find((url) => new URL(url).host === rule.registry) ?? rule.registry;
  return parseLocation(rule.prefix === '' ? endpoint : `${endpoint}/${rule.prefix}`);
}

/** The same images looked for where `--to` would have put them. */
export function placedAnew(
  lock: Lock,
  place: { readonly rule: MirrorRule; readonly endpoint: string | undefined },
): Lock {
  if (sameRule(lock.rule, place.rule)) return lock;
  const images = placedBy(place.rule, lock.images);
  const requests = lock.images.map(({ source }) => ({ reference: source }));
  return { ...lock, rule: place.rule, images, mirrors: mirrorsFor(requests, { ...place, perRegistry: false }) };
}
