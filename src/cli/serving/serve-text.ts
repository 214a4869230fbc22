/** What a server says of itself when it is up. Pure. */
import { quoteShell } from '../../oci/shell.ts';
import { nearName, patchStep } from '../next-text.ts';
import { counted, printable, sizeText } from '../report/text.ts';
import type { ServedCount, ServedPlace } from './served-place.ts';

/** Everything there is to tell. */
export interface ServingFacts {
  readonly place: Pick<ServedPlace, 'name' | 'path' | 'kind' | 'bytes' | 'signature' | 'missingVolumes'>;
  readonly count: ServedCount | undefined;
  /** URLs it answers on, those for others first. */
  readonly urls: readonly string[];
  /** URLs to put into Talos; empty when nodes cannot reach it. */
  readonly endpoints: readonly string[];
  readonly writable: boolean;
  readonly access: 'everybody' | 'users' | 'users write';
  readonly tls:
    | { readonly until: string; readonly authorityFile: string | undefined; readonly isNewAuthority: boolean }
    | undefined;
  /** Undefined when none was written. */
  readonly patch: { readonly file: string; readonly talos: string } | undefined;
  readonly warnings: readonly string[];
  readonly cwd: string;
  readonly port: number;
}

/** For people: what, where, who, what next. */
export function servingLines(facts: ServingFacts): string[] {
  const lines = [`serving ${printable(facts.place.name)}: ${contentText(facts)}`];
  for (const url of facts.urls)
    lines.push(`  ${url}${url === facts.urls[0] ? '    a page for browsers, the registry below /v2/' : ''}`);
  lines.push(`  ${accessText(facts)}`);
  if (facts.tls !== undefined) lines.push(`  ${tlsText(facts, facts.tls)}`);
  if (facts.patch !== undefined)
    lines.push(
      '',
      `wrote ${nearName(facts.cwd, facts.patch.file)}, for Talos ${facts.patch.talos}: nodes will ask ${facts.endpoints.join(', ')}`,
    );
  const next = nextSteps(facts);
  if (next.length > 0) lines.push('', 'Next:', ...next.map((step) => `  ${step}`));
  return [...lines, '', 'Ctrl-C stops it'];
}

/** For programs. */
export function servingJson(facts: ServingFacts): Readonly<Record<string, unknown>> {
  const { place, count, tls, patch } = facts;
  return {
    type: 'serving',
    place: place.name,
    path: place.path,
    kind: place.kind,
    bytes: place.bytes,
    ...(count === undefined ? {} : { images: count.images, registries: count.registries }),
    ...(place.signature === undefined ? {} : { signature: place.signature }),
    missingVolumes: place.missingVolumes,
    urls: facts.urls,
    endpoints: facts.endpoints,
    writable: facts.writable,
    access: facts.access,
    ...(tls === undefined ? {} : { tls: { until: tls.until, authority: tls.authorityFile } }),
    ...(patch === undefined ? {} : { patch: patch.file, talos: patch.talos }),
    warnings: facts.warnings,
  };
}

function contentText({ place, count }: ServingFacts): string {
  const images = count === undefined ? [] : [counted(count.images, 'image')];
  const registries = (count?.registries.length ?? 0) > 1 ? [`${count?.registries.length} registries`] : [];
  const signed = { absent: [], unchecked: ['signed, not checked (--verify-key)'], verified: ['signature verified'] };
  const signature = place.signature === undefined ? [] : signed[place.signature];
  return [...images, ...registries, sizeText(place.bytes), ...signature].join(', ');
}

function accessText({ writable, access }: ServingFacts): string {
  if (access === 'users') return writable ? 'users alone may read and write' : 'users alone may read; nobody may write';
  if (access === 'users write')
    return writable ? 'everybody may read, users may write' : 'everybody may read; nobody may write';
  return writable ? 'everybody may read and write' : 'everybody may read; nobody may write';
}

function tlsText({ cwd }: ServingFacts, tls: NonNullable<ServingFacts['tls']>): string {
  const until = `certificate until ${tls.until}`;
  if (tls.authorityFile === undefined) return until;
  const made = tls.isNewAuthority ? 'made a certificate authority' : 'own certificate authority';
  return `${made}, ${nearName(cwd, tls.authorityFile)}; ${until}`;
}

function nextSteps(facts: ServingFacts): string[] {
  if (facts.patch !== undefined) return [patchStep(facts.cwd, [facts.patch.file])[0]];
  if (facts.endpoints.length > 0) return [];
  return [
    `nodes cannot reach this address; on every address of this machine:  airgap serve ${quoteShell(printable(facts.place.name))} --listen :${facts.port}`,
  ];
}
