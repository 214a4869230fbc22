/** Images as rows of the table, each with what opens below it. */
import { createHash } from 'node:crypto';
import type { Names } from '../names.ts';
import type { Attachments } from './attachments.ts';
import type { PageFacts } from './facts.ts';
import type { ImagePlatform } from './image-walk.ts';
import type { ListedImage } from './inventory.ts';
import { html, type Markup } from './markup.ts';
import { pullingOf } from './pulling.ts';
import { counted, shortDigest, shortened, sizeText } from './wording.ts';

export interface RowOptions {
  readonly facts: PageFacts;
  readonly names: Names;
  /** These are all there are, so that they can be filtered where they stand. */
  readonly whole: boolean;
  /** True for images that a search has left out: they stay in the page for the next one. */
  readonly isHidden: (image: ListedImage) => boolean;
}

/** The table of these images. */
export function imageTable(images: readonly ListedImage[], options: RowOptions): Markup {
  const isEmpty = images.every(options.isHidden);
  return html`<table${options.whole ? html` data-whole` : ''}${isEmpty ? html` hidden` : ''}>
<caption class="away">Images, each with its platforms, size, signatures and digest</caption>
<thead><tr><th scope="col">Image</th><th scope="col">Platforms</th><th scope="col" class="size">Size</th><th scope="col">Signatures</th><th scope="col" class="digest">Digest</th></tr></thead>
${images.map((image) => imageRow(image, options))}</table>`;
}

function imageRow(listed: ListedImage, options: RowOptions): Markup {
  const { image } = listed;
  const troubled = listed.trouble === undefined ? '' : ' troubled';
  return html`<tbody class="image${troubled}" id="${idOf(listed)}"${options.whole ? html` data-words="${shortened(listed.words, 1000)}"` : ''}${options.isHidden(listed) ? html` hidden` : ''}>
<tr><th scope="row" class="name">${nameOf(listed, options)}${troubleOf(listed)}</th>
<td class="platforms">${image === undefined ? '' : platformChips(listed)}</td>
<td class="size">${image === undefined ? '–' : sizeText(image.size)}</td>
<td class="sig">${signatures(listed)}</td>
<td class="digest">${image === undefined ? '–' : html`<code title="${image.digest}">${shortDigest(image.digest)}</code>`}</td></tr>
<tr class="more"><td colspan="5"><details><summary><span class="away">Details of ${listed.reference}</span></summary>
<div class="detail">${factsOf(listed)}${commandsOf(listed, options)}</div></details></td></tr>
</tbody>
`;
}

/** What a link to the row ends with. */
function idOf({ reference }: ListedImage): string {
  return `i${createHash('sha256').update(reference).digest('hex').slice(0, 10)}`;
}

/** The part that tells images apart stands out; of a schematic's or another hash as much is shown as people compare. */
function nameOf({ name, tag, image, reference }: ListedImage, { names }: RowOptions): Markup {
  const parts = name.repository.split('/');
  const hash = parts.length > 1 && /^[0-9a-f]{32,}$/.test(parts.at(-1) ?? '') ? parts.pop() : undefined;
  const before = names.onWire(name) === name.repository ? parts.slice(0, -1) : [name.registry, ...parts.slice(0, -1)];
  const suffix = tag !== undefined ? `:${tag}` : image === undefined ? '' : `@${image.digest.slice(0, 19)}…`;
  const shortHash = hash === undefined ? '' : html`<i class="soft">/${hash.slice(0, 12)}…</i>`;
  const path = before.map((part) => `${part}/`).join('');
  const shown = html`<span class="soft">${path}</span><b>${parts.at(-1)}</b>${shortHash}<i>${suffix}</i>`;
  return hash === undefined && tag !== undefined ? shown : html`<span title="${reference}">${shown}</span>`;
}

function troubleOf({ state, trouble }: ListedImage): Markup | undefined {
  if (trouble === undefined) return undefined;
  return html`<span class="trouble">${state === 'unreadable' ? 'Unreadable' : 'Incomplete'}: ${trouble}</span>`;
}

function platformChips({ image }: ListedImage): Markup {
  if (image === undefined || image.platforms.length === 0) {
    return html`<span class="soft">${image?.artifactType === undefined ? 'none named' : 'artifact'}</span>`;
  }
  const shown = image.platforms.slice(0, 8);
  const more = image.platforms.length - shown.length + image.morePlatforms;
  return html`<span class="chips">${shown.map(chip)}${more > 0 ? html`<span class="soft">${more} more</span>` : ''}</span>`;
}

function chip({ platform, state }: ImagePlatform): Markup {
  if (state === 'here') return html`<span class="chip">${platform}</span> `;
  const said = state === 'absent' ? 'not here' : 'incomplete';
  return html`<span class="chip ${state}" title="${said}">${platform}<span class="away"> (${said})</span></span> `;
}

function signatures({ attachments, image }: ListedImage): Markup {
  if (attachments === undefined) return html`<span class="soft">cannot be told</span>`;
  const count = total(attachments, 'signature');
  const others = (['attestation', 'SBOM', 'referrer'] as const)
    .map((kind) => ({ kind, count: total(attachments, kind) }))
    .filter((other) => other.count > 0)
    .map((other) => html` <span class="also">${counted(other.count, other.kind)}</span>`);
  if (count > 0) return html`<span class="signed">${counted(count, 'signature')}</span>${others}`;
  return html`<span class="soft">${image === undefined ? '–' : 'no signature'}</span>${others}`;
}

function total(attachments: readonly Attachments[], kind: Attachments['kind']): number {
  return attachments.filter((found) => found.kind === kind).reduce((sum, found) => sum + found.count, 0);
}

function factsOf({ image, attachments = [], trouble, reference }: ListedImage): Markup {
  if (image === undefined) return html`<p class="soft">Nothing more can be said: ${trouble}.</p>`;
  const missing =
    image.missing.count === 0
      ? ''
      : html`<dt>Missing</dt><dd class="trouble">${counted(image.missing.count, 'part')}, ${sizeText(image.missing.bytes)}</dd>`;
  return html`<div><h3>What it is</h3><dl>
<dt>Name</dt><dd><code data-copy="name">${reference}</code></dd>
<dt>Digest</dt><dd><code data-copy="digest">${image.digest}</code></dd>
<dt>Media type</dt><dd>${shortened(image.mediaType, 120)}</dd>
${image.artifactType === undefined ? '' : html`<dt>Artifact</dt><dd>${shortened(image.artifactType, 120)}</dd>`}
${image.platforms.length === 0 ? '' : html`<dt>Platforms</dt><dd><ul>${image.platforms.map(platformLine)}</ul></dd>`}
${attachments.length === 0 ? '' : html`<dt>Attached</dt><dd><ul>${attachments.map(attachmentLine)}</ul></dd>`}
${missing}</dl></div>`;
}

function platformLine({ platform, size, state }: ImagePlatform): Markup {
  const said = { here: sizeText(size), incomplete: `incomplete, ${sizeText(size)} here`, absent: 'not here' }[state];
  return html`<li><span>${platform}</span><span${state === 'here' ? '' : html` class="soft"`}>${said}</span></li>`;
}

function attachmentLine({ kind, by, count }: Attachments): Markup {
  const where = { tag: 'under a cosign tag', referrer: 'as a referrer', inside: 'inside the index' }[by];
  return html`<li><span>${counted(count, kind)}</span><span class="soft">${where}</span></li>`;
}

function commandsOf(listed: ListedImage, options: RowOptions): Markup {
  const pulling = pullingOf(listed, options);
  if (pulling === undefined) return html`<p class="soft">Its name is not one a tool can ask for.</p>`;
  const asks = pulling.mirrorPath;
  return html`<div><h3>How to pull it</h3><dl>
${pulling.commands.map(
  ({ tool, command }) => html`<dt>${tool}</dt><dd><code data-copy="command for ${tool}">${command}</code></dd>
`,
)}${asks === undefined ? '' : html`<dt>Mirrors ask</dt><dd><a href="${asks}">${asks}</a></dd>`}
<dt>Manifest</dt><dd><a href="${pulling.manifestPath}">${pulling.manifestPath}</a></dd></dl></div>`;
}
