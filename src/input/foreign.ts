/** Documents that are no image list, and what they look like: people pipe the wrong thing in, and should be told what it was. */

/** What a document looks like, to follow "it is", and what to do instead. */
export interface ForeignDocument {
  readonly looks: string;
  readonly hint?: string;
}

const oneReferencePerLine = 'a list has one image reference per line, for example registry.k8s.io/pause:3.10';
const talosLists =
  'print the images that a release needs with "talosctl image k8s-bundle" (talosctl 1.12 and later) or "talosctl image default" (before)';

const signatures: readonly { readonly looks: string; readonly at: number; readonly bytes: readonly number[] }[] = [
  { looks: 'compressed with gzip', at: 0, bytes: [0x1f, 0x8b] },
  { looks: 'compressed with zstd', at: 0, bytes: [0x28, 0xb5, 0x2f, 0xfd] },
  { looks: 'compressed with xz', at: 0, bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a] },
  { looks: 'compressed with bzip2', at: 0, bytes: [0x42, 0x5a, 0x68] },
  { looks: 'a zip file', at: 0, bytes: [0x50, 0x4b, 0x03, 0x04] },
  { looks: 'a program (ELF)', at: 0, bytes: [0x7f, 0x45, 0x4c, 0x46] },
  { looks: 'a tar file', at: 257, bytes: [0x75, 0x73, 0x74, 0x61, 0x72] },
];

/** What is known from the bytes alone; undefined when they may be text. */
export function foreignBytes(bytes: Uint8Array): ForeignDocument | undefined {
  const known = signatures.find(({ at, bytes: magic }) => magic.every((byte, index) => bytes[at + index] === byte));
  // "BZh" could begin a text; compressed data goes on with a byte that no reference has.
  if (known !== undefined && (known.bytes.length !== 3 || bytes.includes(0))) {
    return { looks: known.looks, hint: `unpack it first; ${oneReferencePerLine}` };
  }
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    return { looks: 'UTF-16 text', hint: 'save it as UTF-8; in PowerShell pipe it through Out-File -Encoding utf8' };
  }
  if (bytes.includes(0)) return { looks: 'a binary file', hint: oneReferencePerLine };
  return undefined;
}

/** What is known from the text; undefined when it may be a list. `lines` are its lines without blanks at their ends. */
export function foreignText(lines: readonly string[]): ForeignDocument | undefined {
  const first = lines.find((line) => line !== '' && !line.startsWith('#')) ?? '';
  return markup(first) ?? json(first, lines) ?? table(first) ?? help(lines) ?? yaml(first, lines);
}

function markup(first: string): ForeignDocument | undefined {
  if (!first.startsWith('<')) return undefined;
  if (/^<\?xml/i.test(first)) return { looks: 'an XML document', hint: oneReferencePerLine };
  const hint = 'a proxy or a login page may have answered in place of the file; fetch it again and look at it';
  return { looks: /^<(?:!doctype +html|html|head|body|!--)/i.test(first) ? 'a web page (HTML)' : 'markup', hint };
}

function json(first: string, lines: readonly string[]): ForeignDocument | undefined {
  if (!/^(?:\{|\[\s*(?:["{[\]]|$))/.test(first)) return undefined;
  const start = lines.slice(0, 20).join(' ');
  if (/"version"\s*:\s*1\b/.test(start) && /"rule"\s*:/.test(start)) {
    return { looks: 'a lock of airgap, which is JSON', hint: oneReferencePerLine };
  }
  return { looks: 'JSON', hint: oneReferencePerLine };
}

/** The columns of `talosctl image list` are NODE, IMAGE, DIGEST, SIZE and CREATED. */
function table(first: string): ForeignDocument | undefined {
  const words = first.split(/\s+/);
  if (words.length < 2 || !words.every((word) => /^[A-Z][A-Z()_-]*$/.test(word))) return undefined;
  if (words.includes('NODE') && words.includes('IMAGE')) {
    return { looks: 'the table of "talosctl image list", which says what a node holds', hint: talosLists };
  }
  const columns = words.slice(0, 6).join(' ');
  return { looks: `a table with the columns ${columns}`, hint: oneReferencePerLine };
}

/** From 1.6 on, `talosctl images` prints its help to standard output instead of a list. */
function help(lines: readonly string[]): ForeignDocument | undefined {
  if (!lines.slice(0, 40).includes('Usage:')) return undefined;
  return { looks: 'the help text of a command', hint: talosLists };
}

function yaml(first: string, lines: readonly string[]): ForeignDocument | undefined {
  if (/^- +\S/.test(first)) return { looks: 'a YAML list', hint: 'leave out the dashes: one image reference per line' };
  if (/^version:\s*\d/.test(first) && lines.some((line) => /^(?:images|source|target|nodes):/.test(line))) {
    return { looks: 'an airgap.yaml, which declares everything', hint: 'name it with --file' };
  }
  const start = lines.filter((line) => line !== '' && !line.startsWith('#')).slice(0, 3);
  const isDocument =
    first === '---' || first.startsWith('%YAML') || /^(?:apiVersion|kind|version):(?:\s|$)/.test(first);
  const isMapping = start.length > 1 && start.every((line) => /^(?:[A-Za-z][\w.-]*:(?:\s|$)|- )/.test(line));
  if (!isDocument && !isMapping) return undefined;
  return { looks: 'YAML', hint: oneReferencePerLine };
}
