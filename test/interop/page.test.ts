/** The page of `airgap serve` in a real browser: Debian's chromium, driven by playwright-core. AIRGAP_SCREENSHOTS=DIR keeps pictures. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type RunningServer, serveStore } from '../../src/serve/open.ts';
import { registryPage } from '../../src/serve/page/page.ts';
import { openLayout } from '../../src/store/layout/open.ts';
import type { Source } from '../../src/store/store.ts';
import { launchChromium } from './support/chromium.ts';
import { missing, titled } from './support/programs.ts';
import { incompleteImage, seedManyImages, seedTalosLayout } from './support/talosLayout.ts';

const reason = missing('chromium');
const pictures = process.env.AIRGAP_SCREENSHOTS;
const patch = `apiVersion: v1alpha1
kind: RegistryMirrorConfig
name: '*'
endpoints:
  - url: http://10.5.0.1:6000
skipFallback: true
`;
const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true } as const;

describe.skipIf(reason !== undefined)(titled('the page in chromium', reason), () => {
  let folder: string;
  let references: string[];
  let browser: Browser;
  const places = new Map<string, { readonly server: RunningServer; readonly store: Source }>();
  const problems: string[] = [];
  const visits: { close(): Promise<void> }[] = [];

  async function serve(name: string): Promise<void> {
    const store = await openLayout(join(folder, name), { readOnly: true });
    const facts = {
      place: `oci:${name}`,
      endpoint: 'http://10.5.0.1:6000',
      talosPatch: { version: 'v1.14.4', text: patch },
      writable: false,
      tls: 'none',
      version: '1.2.3',
    } as const;
    places.set(name, { store, server: await serveStore(store, { page: registryPage(facts) }) });
  }

  /** Opens a page of its own profile. Whatever it logs, fails at or asks of another host is a problem. */
  async function visit(place: string, options: BrowserContextOptions & { path?: string } = {}): Promise<Page> {
    const url = places.get(place)?.server.url ?? '';
    const { path = '/', ...context } = options;
    const opened = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...context });
    visits.push(opened);
    await opened.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: url });
    const page = await opened.newPage();
    page.on('console', (message) => problems.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => problems.push(`error: ${error.message}`));
    page.on('requestfailed', (request) => problems.push(`failed: ${request.url()}`));
    page.on('request', (request) => {
      if (!request.url().startsWith(`${url}/`) && !request.url().startsWith('data:'))
        problems.push(`asked ${request.url()}`);
    });
    const answer = await page.goto(url + path);
    expect(answer?.status()).toBe(200);
    // A large store is shown as being read first, and loads itself again.
    await page.locator('#q, main .empty').first().waitFor({ state: 'attached' });
    return page;
  }

  async function picture(page: Page, name: string): Promise<void> {
    if (pictures !== undefined) await page.screenshot({ path: join(pictures, `${name}.png`) });
  }

  /** References of the rows a reader sees. */
  const shown = (page: Page): Promise<string[]> =>
    page.locator('tbody.image:visible summary').allTextContents().then(withoutLabel);
  const withoutLabel = (labels: string[]) => labels.map((label) => label.replace('Details of ', ''));
  const overflow = (page: Page) => page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
  const copied = (page: Page) => page.evaluate<string>('navigator.clipboard.readText()');

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'airgap-browser-'));
    if (pictures !== undefined) await mkdir(pictures, { recursive: true });
    references = await seedTalosLayout(join(folder, 'talos'));
    await seedManyImages(join(folder, 'many'), 500);
    await (await openLayout(join(folder, 'empty'), { create: true })).close();
    for (const name of ['talos', 'many', 'empty']) await serve(name);
    browser = await launchChromium();
  });

  afterEach(async () => {
    for (const opened of visits.splice(0)) await opened.close();
    expect(problems.splice(0)).toEqual([]);
  });

  afterAll(async () => {
    await browser?.close();
    for (const { server, store } of places.values()) {
      await server.close();
      await store.close();
    }
    await rm(folder, { recursive: true, force: true });
  });

  it('shows every image of the layout, and which one is not wholly here', async () => {
    const page = await visit('talos');
    expect((await shown(page)).sort()).toEqual([...references].sort());
    expect(await page.locator('tbody.troubled').allInnerTexts()).toHaveLength(1);
    expect(await page.locator('tbody.troubled').textContent()).toContain('Incomplete');
    expect(await page.locator('.totals').textContent()).toContain('Incomplete');
    await picture(page, 'desktop-light');
  });

  it('filters while one types, keeps the question in the address, and forgets it again', async () => {
    const page = await visit('talos');
    await page.keyboard.press('/');
    await page.keyboard.type('kube- arm64');
    await expect.poll(() => shown(page)).toEqual(references.filter((name) => /kube-/.test(name)).sort());
    expect(await page.locator('#count').textContent()).toMatch(/^[0-9]+ of [0-9]+ images$/);
    expect(page.url()).toContain('?q=kube-+arm64');
    await page.reload();
    expect(await shown(page)).toHaveLength(references.filter((name) => /kube-/.test(name)).length);
    await page.fill('#q', 'no such image');
    await page.getByText('No image matches').waitFor();
    await page.fill('#q', '');
    await expect.poll(async () => (await shown(page)).length).toBe(references.length);
    expect(new URL(page.url()).search).toBe('');
  });

  it('does what matters without scripts', async () => {
    const page = await visit('talos', { javaScriptEnabled: false });
    await page.fill('#q', 'longhorn');
    await page.press('#q', 'Enter');
    await page.waitForURL('**/?q=longhorn');
    expect(await shown(page)).toEqual([incompleteImage]);
    await page.locator('tbody.image:visible summary').click();
    await page.getByText(`crictl pull ${incompleteImage}`).waitFor({ state: 'visible' });
    await page.getByText('Talos patch').click();
    await page.getByText('RegistryMirrorConfig').waitFor({ state: 'visible' });
    expect(await page.locator('button.copy').count()).toBe(0);
    await picture(page, 'without-scripts');
  });

  it('copies the Talos patch and commands, with and without the clipboard API', async () => {
    for (const without of [false, true]) {
      const page = await visit('talos');
      if (without) {
        await page.addInitScript(
          "Object.defineProperty(Navigator.prototype, 'clipboard', { get: () => globalThis.kept })",
        );
        await page.addInitScript('globalThis.kept = undefined');
        await page.reload();
        expect(await page.evaluate('navigator.clipboard === undefined')).toBe(true);
      }
      await page.getByText('Talos patch').click();
      await page.getByRole('button', { name: 'Copy Talos patch' }).click();
      await page.getByRole('status').getByText('Copied Talos patch').waitFor({ state: 'attached' });
      const reader = await visit('empty');
      await reader.bringToFront();
      expect(await copied(reader)).toBe(patch);
    }
  });

  it('opens a row by the keyboard and by a click anywhere in it', async () => {
    const page = await visit('talos');
    const row = page.locator('tbody.image').nth(2);
    await row.locator('td.size').click();
    await row.getByText('How to pull it').waitFor({ state: 'visible' });
    await page.evaluate('scrollTo(0, 300)');
    await picture(page, 'detail');
    await row.locator('summary').focus();
    await page.keyboard.press('Enter');
    await row.getByText('How to pull it').waitFor({ state: 'hidden' });
    const outline = await page.evaluate<string>('getComputedStyle(document.activeElement).outlineStyle');
    expect(outline).toBe('solid');
  });

  it('leafs through 500 images', async () => {
    const page = await visit('many');
    expect(await shown(page)).toHaveLength(200);
    await picture(page, 'many');
    await page.getByRole('link', { name: 'Next 200' }).click();
    expect(await page.locator('#count').textContent()).toBe('201 to 400 of 500 images');
    await page.fill('#q', 'kubelet');
    await page.press('#q', 'Enter');
    await page.waitForURL('**/?q=kubelet');
    expect((await shown(page)).every((name) => name.includes('kubelet'))).toBe(true);
  });

  it('needs no sideways scrolling on a phone, open or closed', async () => {
    for (const width of [390, 320]) {
      const page = await visit('talos', { ...phone, viewport: { width, height: 844 } });
      expect(await overflow(page), `${width}`).toBeLessThanOrEqual(0);
      if (width === 390) await picture(page, 'phone');
      await page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true");
      expect(await overflow(page), `${width}, open`).toBeLessThanOrEqual(0);
      const wide = await page.evaluate<string[]>(tooWide);
      expect(wide, `${width}`).toEqual([]);
      if (width === 390) {
        await page.evaluate("document.querySelectorAll('tbody.image')[1].scrollIntoView()");
        await picture(page, 'phone-detail');
      }
      const small = await page.evaluate<string[]>(smallTargets);
      expect(small).toEqual([]);
    }
  });

  it('is readable in light and dark: contrast of at least 4.5 everywhere', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await visit('talos', { colorScheme });
      const background = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
      expect(background).toBe(colorScheme === 'light' ? 'rgb(247, 247, 245)' : 'rgb(17, 20, 23)');
      if (colorScheme === 'dark') await picture(page, 'desktop-dark');
      await page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true");
      expect(await page.evaluate<string[]>(lowContrast)).toEqual([]);
      await page.evaluate("document.querySelector('h1').style.color = getComputedStyle(document.body).backgroundColor");
      expect(await page.evaluate<string[]>(lowContrast), 'the check itself').toEqual(['1.00 oci:talos']);
    }
  });

  it('has what a screen reader goes by', async () => {
    for (const place of ['talos', 'empty', 'many']) {
      const page = await visit(place);
      expect(await page.evaluate<string[]>(accessibility), place).toEqual([]);
      if (place === 'empty') await picture(page, 'empty');
    }
  });

  it('prints without controls', async () => {
    const page = await visit('talos');
    await page.emulateMedia({ media: 'print' });
    expect(await page.locator('#q').isVisible()).toBe(false);
    expect(await page.locator('tbody.image th').first().isVisible()).toBe(true);
    await picture(page, 'print');
  });
});

/** Elements with text that reach beyond the right edge and are not inside something that scrolls. */
const tooWide = `[...document.querySelectorAll('main *, header *, footer *')]
  .filter((element) => element.getBoundingClientRect().right > innerWidth + 1 && !element.closest('pre, .away'))
  .map((element) => element.outerHTML.slice(0, 80))`;

/** Controls a finger would miss (WCAG 2.2, 2.5.8: 24 by 24 CSS pixels); links within text are excepted there. */
const smallTargets = `[...document.querySelectorAll('button, input, summary')]
  .filter((element) => element.checkVisibility())
  .map((element) => ({ element, box: element.getBoundingClientRect() }))
  .filter(({ box }) => box.width < 24 || box.height < 24)
  .map(({ element }) => element.outerHTML.slice(0, 80))`;

/** Visible texts whose contrast against what is behind them is below 4.5 (WCAG 2.2, 1.4.3). */
const lowContrast = `(() => {
  const read = (color) => (color.match(/[0-9.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((part) => part / 255).map((p) => (p <= 0.04045 ? p / 12.92 : ((p + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = read(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest('script, style, .away') || !element.checkVisibility()) continue;
    const [one, two] = [light(read(getComputedStyle(element).color)), light(behind(element))];
    const contrast = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    if (contrast < 4.5) found.push(contrast.toFixed(2) + ' ' + walker.currentNode.data.trim().slice(0, 40));
  }
  return found;
})()`;

/** The basics of accessibility, each fault in a few words. */
const accessibility = `(() => {
  const found = [];
  const all = (selector) => [...document.querySelectorAll(selector)];
  const need = (holds, fault) => { if (!holds) found.push(fault); };
  need(document.documentElement.lang === 'en', 'no language');
  need(document.title.length > 0, 'no title');
  for (const landmark of ['header', 'main', 'footer', 'h1']) need(all(landmark).length === 1, 'not one ' + landmark);
  const ids = all('[id]').map((element) => element.id);
  need(new Set(ids).size === ids.length, 'an id twice');
  for (const input of all('input')) need(input.labels.length === 1, 'an input without a label');
  const nameOf = (element) => element.getAttribute('aria-label') ?? element.textContent.trim();
  for (const element of all('button, a, summary')) need(nameOf(element) !== '', 'no name: ' + element.outerHTML.slice(0, 60));
  for (const element of all('[aria-labelledby]')) {
    need(document.getElementById(element.getAttribute('aria-labelledby')), 'labelled by nothing');
  }
  for (const header of all('th')) need(['row', 'col'].includes(header.scope), 'a header without scope');
  for (const table of all('table')) need(table.caption?.textContent, 'a table without caption');
  const levels = all('h1, h2, h3').map((heading) => Number(heading.localName[1]));
  need(levels.every((level, index) => level <= (levels[index - 1] ?? 0) + 1), 'a heading skips a level');
  need(all('[tabindex]').every((element) => element.tabIndex === 0), 'an order of its own');
  return found;
})()`;
