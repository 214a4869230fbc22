/** The release a node is taken to run. Pure. */
import { quoteText } from '../../oci/quote.ts';
import { readVersion, type TalosVersion } from '../../talos/version.ts';
import { usageError } from '../values.ts';

/** Reads `talos@v1.14.4` or `talos@1.14.4`. Throws ERR_USAGE. */
export function readNodeRelease(text: string): TalosVersion {
  const [, name = '', release] = /^([^@]*)(?:@(.*))?$/s.exec(text) ?? [];
  const shown = `Cannot read --as ${quoteText(text, 80)}`;
  if (name !== 'talos') {
    const alone = release === undefined ? readVersion(name) : undefined;
    const hint = alone === undefined ? 'only Talos nodes are known: write talos@v1.14.4' : `write talos@${name}`;
    throw usageError(`${shown}: not talos@VERSION`, hint);
  }
  const version = readVersion(release ?? '');
  if (version === undefined)
    throw usageError(`${shown}: no MAJOR.MINOR.PATCH stands after "talos@"`, 'write it like talos@v1.14.4');
  if (version.major !== 1) throw usageError(`${shown}: only Talos 1.x is known`, 'write it like talos@v1.14.4');
  return version;
}
