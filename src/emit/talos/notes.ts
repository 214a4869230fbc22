/** What a configuration leaves out that nodes without internet wait for. */
import { isSinceMinor, type TalosVersion } from '../../talos/version.ts';
import type { NodeSettings } from '../node-settings.ts';

/**
 * One line for each piece that is missing, with the option that gives it. Defaults of Talos: pkg/machinery/constants
 * (`pool.ntp.org` up to 1.6, `time.cloudflare.com` from 1.7 on; 1.1.1.1 and 8.8.8.8; discovery.talos.dev).
 */
export function isolationNotes(settings: NodeSettings, version: TalosVersion): string[] {
  const clock = isSinceMinor(version, 7) ? 'time.cloudflare.com' : 'pool.ntp.org';
  const notes: string[] = [];
  if (settings.time === undefined)
    notes.push(`no time server: nodes wait for ${clock} at boot, for ever (--ntp ADDRESS or --no-time-sync)`);
  if ((settings.nameservers ?? []).length === 0)
    notes.push('no name server: unless DHCP names one, nodes ask 1.1.1.1 and 8.8.8.8 (--dns ADDRESS)');
  if (settings.discovery === undefined)
    notes.push(
      'discovery is left on: nodes ask discovery.talos.dev for each other (--no-discovery or --discovery URL)',
    );
  return notes;
}
