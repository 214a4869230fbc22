/** The page as a document. */
import type { Names } from '../names.ts';
import type { PageFacts } from './facts.ts';
import { imageTable } from './image-rows.ts';
import type { Inventory, ListedImage, Progress } from './inventory.ts';
import { html, type Markup, trusted } from './markup.ts';
import { nodePanel } from './node-panel.ts';
import { hostOf } from './pulling.ts';
import { script } from './script.ts';
import { style } from './style.ts';
import { counted, numberText, sizeText } from './wording.ts';

/** Images on one page. */
export const pageSize = 200;

export interface Asked {
  /** What is searched for, as it was sent; empty for everything. */
  readonly search: string;
  /** Which page, from 1. */
  readonly page: number;
}

export interface Shown {
  readonly facts: PageFacts;
  readonly names: Names;
  readonly inventory: Inventory;
  readonly asked: Asked;
  /** The store has changed since, and is being read again. */
  readonly reading?: Progress | undefined;
}

const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linejoin="round" aria-hidden="true"><path d="M1.5 5 8 1.75 14.500 5 8 8.250zM1.500 8 8 11.250 14.500 8M1.500 11 8 14.250 14.500 11"/></svg>`;
const iconUrl = `data:image/svg+xml,${encodeURIComponent(icon.replace('currentColor', '#3b82c4'))}`;

/** The whole page. Deterministic: the same inventory and question give the same text. */
export function printPage(shown: Shown): string {
  const { facts, inventory } = shown;
  return printDocument(facts, {
    totals: inventory.listed ? totals(inventory) : undefined,
    images: html`${shown.reading === undefined ? '' : readingNotice(shown.reading)}${imagesPart(shown)}`,
    isRefreshed: shown.reading !== undefined,
  });
}

/** What is shown of a large store while it is read for the first time: how nodes get at it is known already. */
export function printReadingPage(facts: PageFacts, reading: Progress): string {
  return printDocument(facts, {
    totals: undefined,
    images: html`${bareHeading}${readingNotice(reading)}`,
    isRefreshed: true,
  });
}

interface Parts {
  readonly totals: Markup | undefined;
  readonly images: Markup;
  /** The page loads itself again after two seconds. */
  readonly isRefreshed: boolean;
}

function printDocument(facts: PageFacts, parts: Parts): string {
  const refresh = parts.isRefreshed ? html`<meta http-equiv="refresh" content="2">` : '';
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">${refresh}
<meta name="color-scheme" content="light dark"><title>${facts.place} · airgap</title><link rel="icon" href="${iconUrl}">
<style>${trusted(style)}</style></head><body>
<a class="away skip" href="#images">Skip to the images</a>
${pageHeader(facts)}${parts.totals ?? html`<div class="totals"></div>`}</header>
<main>${nodePanel(facts)}
<section aria-labelledby="images">
${parts.images}
</section></main>
${pageFooter(facts)}
<div id="status" class="away" role="status"></div>
<script>${trusted(script)}</script></body></html>
`.text;
}

function pageHeader(facts: PageFacts): Markup {
  const tls = facts.tls === 'none' ? 'HTTP' : 'HTTPS';
  return html`<header><p class="kind">${trusted(icon)}Image registry, ${facts.writable ? 'takes pushes' : 'read-only'}, ${tls}</p>
<h1>${facts.place}</h1>
`;
}

function totals({ images, repositories, bytes, troubled }: Inventory): Markup {
  const warning = html`<div class="warn"><dt>Incomplete</dt><dd>${numberText(troubled)}</dd></div>`;
  return html`<dl class="totals"><div><dt>${images.length === 1 ? 'Image' : 'Images'}</dt><dd>${numberText(images.length)}</dd></div><div><dt>${repositories === 1 ? 'Repository' : 'Repositories'}</dt><dd>${numberText(repositories)}</dd></div><div><dt>Unique content</dt><dd>${sizeText(bytes)}</dd></div>${troubled > 0 ? warning : ''}</dl>`;
}

function readingNotice({ done, total }: Progress): Markup {
  const far = total === 0 ? '' : html` ${numberText(done)} of ${counted(total, 'name')} so far.`;
  return html`<p class="notice calm" role="status">What is here is being read.${far} The page loads itself again until that is done.</p>`;
}

const bareHeading = html`<div class="bar"><h2 id="images">Images</h2></div>`;

function imagesPart(shown: Shown): Markup {
  const { inventory } = shown;
  if (!inventory.listed) {
    return html`${bareHeading}<div class="empty"><p>What is here cannot be listed.</p><p>The place that is served does not tell its repositories. Images can be pulled by name.</p></div>`;
  }
  if (inventory.images.length === 0) return html`${bareHeading}${emptiness(shown)}${notices(shown)}`;
  const whole = inventory.images.length <= pageSize;
  const matching = search(inventory.images, shown.asked.search);
  const matches = new Set(matching);
  const pages = Math.max(1, Math.ceil(matching.length / pageSize));
  const page = Math.min(Math.max(1, shown.asked.page), pages);
  const onPage = whole ? inventory.images : matching.slice((page - 1) * pageSize, page * pageSize);
  const isHidden = (image: ListedImage): boolean => !matches.has(image);
  return html`<div class="bar"><h2 id="images">Images</h2><span id="count">${countText(shown, { found: matching.length, page })}</span>
<form class="search" role="search" method="get" action="/"><label class="away" for="q">Search images</label><input id="q" name="q" type="search" value="${shown.asked.search}" placeholder="Name, digest, platform" maxlength="200" autocomplete="off" autocapitalize="none" spellcheck="false"><button>Search</button></form></div>
${notices(shown)}
<div class="empty" id="none"${matching.length > 0 ? html` hidden` : ''}><p>No image matches.</p><p><a href="/">Show all ${numberText(inventory.images.length)}</a></p></div>
${onPage.length === 0 ? '' : imageTable(onPage, { ...shown, isHidden, whole })}
${pages > 1 ? pageLinks(shown.asked.search, { page, pages }) : ''}`;
}

/** Images that have every word in their name, digest, platforms or kinds. */
function search(images: readonly ListedImage[], text: string): readonly ListedImage[] {
  const terms = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (terms.length === 0) return images;
  return images.filter(({ words }) => terms.every((term) => words.includes(term)));
}

function countText({ inventory, asked }: Shown, at: { readonly found: number; readonly page: number }): string {
  const all = inventory.images.length;
  const isSearch = asked.search.trim() !== '';
  // The number of all images stands at the top of the page.
  if (at.found <= pageSize) return isSearch ? `${numberText(at.found)} of ${counted(all, 'image')}` : '';
  const first = (at.page - 1) * pageSize + 1;
  const last = Math.min(at.found, at.page * pageSize);
  return `${numberText(first)} to ${numberText(last)} of ${isSearch ? `${numberText(at.found)} found` : counted(all, 'image')}`;
}

function notices({ inventory, asked }: Shown): Markup {
  const { troubled, nameless, left } = inventory;
  const it = troubled === 1 ? 'it' : 'them';
  const link =
    asked.search === '' && troubled < inventory.images.length ? html` <a href="/?q=incomplete">Show ${it}</a>` : '';
  const incomplete = html`<p class="notice"><b>${counted(troubled, 'image is', 'images are')} not wholly here.</b> Nodes that need what is missing cannot pull ${it}: mirror again to complete ${it}.${link}</p>`;
  const unnamed = html`<p class="notice calm">${counted(nameless, 'manifest')} without a full name, as another tool put ${nameless === 1 ? 'it' : 'them'} here: not shown, and nobody can ask for ${nameless === 1 ? 'it' : 'them'} by name.</p>`;
  const beyond = html`<p class="notice calm">${counted(left, 'more name')} not shown.</p>`;
  return html`${troubled > 0 ? incomplete : ''}${nameless > 0 ? unnamed : ''}${left > 0 ? beyond : ''}`;
}

function emptiness({ facts }: Shown): Markup {
  const how = facts.writable
    ? html`<p>Push with any tool, for example <code>skopeo copy docker://… docker://${hostOf(facts.endpoint)}/NAME:TAG</code></p>`
    : html`<p>Mirror images into it, for example <code>airgap mirror --talos v1.14.4</code>, and load this page again.</p>`;
  return html`<div class="empty"><p>No image is here yet.</p>${how}</div>`;
}

function pageLinks(text: string, at: { readonly page: number; readonly pages: number }): Markup {
  const { page, pages } = at;
  const href = (to: number) => `/?${new URLSearchParams({ ...(text === '' ? {} : { q: text }), page: String(to) })}`;
  const before = page > 1 ? html`<a rel="prev" href="${href(page - 1)}">Previous ${pageSize}</a>` : html`<span></span>`;
  const after = page < pages ? html`<a rel="next" href="${href(page + 1)}">Next ${pageSize}</a>` : html`<span></span>`;
  return html`<nav class="pages" aria-label="Pages">${before}<span class="soft">Page ${page} of ${pages}</span>${after}</nav>`;
}

function pageFooter(facts: PageFacts): Markup {
  return html`<footer><nav aria-label="Other endpoints"><a href="/v2/_catalog">/v2/_catalog</a><a href="/metrics">/metrics</a><a href="/healthz">/healthz</a></nav>
<p>Signatures are listed, not verified: that is for the node. Sizes count each blob of an image once.</p><p>airgap ${facts.version}</p></footer>`;
}
