/** What was asked for and a format has no words for: said, never dropped in silence. */
import type { NodeSettings } from '../node-settings.ts';

const names = {
  tls: 'TLS settings',
  auth: 'credentials',
  trustedRoots: 'trusted roots',
  installImage: 'the install image',
  installDisk: 'the install disk',
  time: 'time servers',
  nameservers: 'nameservers',
  discovery: 'the discovery service',
  imageCache: 'the image cache',
  hosts: 'host entries',
  verification: 'image verification',
  pauseImage: 'the pause image',
} as const satisfies Record<keyof NodeSettings, string>;

/** The settings that are asked for and not among `said`, in words: `time servers, nameservers`; undefined: none. */
export function leftOut(settings: NodeSettings, said: readonly (keyof NodeSettings)[]): string | undefined {
  const keys = (Object.keys(names) as (keyof NodeSettings)[]).filter((key) => !said.includes(key));
  const missing = keys.filter((key) => isAsked(settings[key])).map((key) => names[key]);
  return missing.length === 0 ? undefined : missing.join(', ');
}

/** Whether any endpoint has credentials, or a client's private key. */
export function hasSecrets(settings: NodeSettings): boolean {
  const keys = [...(settings.tls?.values() ?? [])].some((tls) => tls.clientKey !== undefined);
  return keys || isAsked(settings.auth);
}

function isAsked(value: NodeSettings[keyof NodeSettings]): boolean {
  if (value === undefined || value === false) return false;
  if (value instanceof Map) return value.size > 0;
  return !Array.isArray(value) || value.length > 0;
}
