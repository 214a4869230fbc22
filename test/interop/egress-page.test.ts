/** The report and the picture of `airgap egress` in a real browser, on screens and on paper. AIRGAP_SCREENSHOTS=DIR keeps pictures. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { EgressList } from '../../src/egress/destination.ts';
import { printSvg } from '../../src/egress/print/diagram.ts';
import { printHtml } from '../../src/egress/print/html.ts';
import {
  componentList,
  hostileList,
  largeList,
  listOf,
  observedList,
  smallList,
  talosList,
  testSources,
} from '../egress/lists.ts';
import { launchChromium } from './support/chromium.ts';
import { missing, titled } from './support/programs.ts';

const reason = missing('chromium');
const pictures = process.env.AIRGAP_SCREENSHOTS;
const lists: Readonly<Record<string, EgressList>> = {
  small: smallList,
  talos: talosList,
  components: componentList,
  observed: observedList,
  large: largeList,
  hostile: hostileList,
  nothing: listOf([]),
};
const names = Object.keys(lists);
const options = { stateless: false, title: 'Talos v1.14.4 to 10.5.0.1:6000', date: '2026-11-26', sources: testSources };

describe.skipIf(reason !== undefined)(titled('the report of egress in chromium', reason), () => {
  let folder: string;
  let browser: Browser;
  const problems: string[] = [];
  const visits: { close(): Promise<void> }[] = [];

  /** Opens a file in a profile of its own. Whatever it logs, fails at or asks for beside itself is a problem. */
  async function visit(file: string, context: BrowserContextOptions = {}): Promise<Page> {
    const url = pathToFileURL(join(folder, file)).href;
    const opened = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...context });
    visits.push(opened);
    const page = await opened.newPage();
    page.on('console', (message) => problems.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => problems.push(`error: ${error.message}`));
    page.on('dialog', (dialog) => problems.push(`dialog: ${dialog.message()}`));
    page.on('request', (request) => {
      if (request.url() !== url) problems.push(`asked ${request.url()}`);
    });
    await page.goto(url);
    return page;
  }

  async function picture(page: Page, name: string): Promise<void> {
    if (pictures !== undefined) await page.screenshot({ path: join(pictures, `egress-${name}.png`), fullPage: true });
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'airgap-egress-page-'));
    if (pictures !== undefined) await mkdir(pictures, { recursive: true });
    for (const [name, list] of Object.entries(lists)) {
      await writeFile(join(folder, `${name}.html`), printHtml(list, options));
      await writeFile(join(folder, `${name}.svg`), printSvg(list, options));
    }
    browser = await launchChromium();
  });

  afterEach(async () => {
    for (const opened of visits.splice(0)) await opened.close();
    expect(problems.splice(0)).toEqual([]);
  });

  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it.each(names)('shows the picture of %s: every text within the box or the column it belongs to', async (name) => {
    const page = await visit(`${name}.svg`);
    expect(await page.evaluate<string[]>(strayTexts)).toEqual([]);
  });

  it('finds a text that leaves its box: the check itself', async () => {
    const page = await visit('small.svg');
    await page.evaluate("document.querySelectorAll('text').forEach((text) => { text.style.fontSize = '40px'; })");
    expect((await page.evaluate<string[]>(strayTexts)).length).toBeGreaterThan(3);
  });

  it.each(names)('shows the report of %s, with nothing wider than its screen', async (name) => {
    for (const [device, viewport] of Object.entries(screens)) {
      const page = await visit(`${name}.html`, { viewport });
      expect(
        await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth'),
        device,
      ).toBeLessThanOrEqual(0);
      expect(await page.evaluate<string[]>(tooWide), device).toEqual([]);
      await picture(page, `${name}-${device}`);
    }
  });

  it('is dark where the screen is, and the picture stays as it is printed', async () => {
    const page = await visit('observed.html', { colorScheme: 'dark' });
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(17, 20, 23)');
    expect(await page.evaluate("getComputedStyle(document.querySelector('figure')).backgroundColor")).toBe(
      'rgb(255, 255, 255)',
    );
    await picture(page, 'dark');
  });

  it('runs no script, even where one gets into it', async () => {
    const page = await visit('small.html');
    await page.evaluate(
      "document.body.append(Object.assign(document.createElement('script'), { textContent: 'document.title = 1' }))",
    );
    expect(await page.title()).toBe(options.title);
    expect(problems.splice(0).join()).toMatch(/Content Security Policy/);
  });

  it.each([
    ['small', 2],
    ['observed', 2],
    ['talos', 3],
    ['components', 3],
    ['large', 6],
    ['nothing', 1],
  ])('prints %s on at most %i sheets of A4', async (name, most) => {
    const page = await visit(`${name}.html`);
    const pdf = (await page.pdf({ preferCSSPageSize: true })).toString('latin1');
    const sheets = pdf.match(/\/Type\s*\/Page\b/g) ?? [];
    expect(sheets.length).toBeGreaterThan(0);
    expect(sheets.length).toBeLessThanOrEqual(most);
    const sizes = [...pdf.matchAll(/\/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]/g)].map(([, ...size]) => size.map(Number));
    for (const [width = 0, height = 0] of sizes) expect([Math.round(width), Math.round(height)]).toEqual([595, 842]);
    await page.setViewportSize({ width: 688, height: 1017 });
    await page.emulateMedia({ media: 'print' });
    const heights = await page.evaluate<number[]>(
      "[...document.querySelectorAll('figure, tr')].map((element) => element.getBoundingClientRect().height)",
    );
    expect(Math.max(...heights)).toBeLessThan(1017);
    expect(await page.evaluate<string[]>(tooWide)).toEqual([]);
    await picture(page, `${name}-print`);
  });
});

const screens = {
  desktop: { width: 1280, height: 900 },
  tablet: { width: 768, height: 1024 },
  phone: { width: 390, height: 844 },
  narrow: { width: 320, height: 640 },
} as const;

/** Texts in a box that reach beyond it, and texts on arrows that reach into a box. */
const strayTexts = `(() => {
  const boxes = [...document.querySelectorAll('rect.box')].map((box) => box.getBoundingClientRect());
  const found = [];
  for (const text of document.querySelectorAll('text')) {
    const own = text.getBoundingClientRect();
    const middle = own.top + own.height / 2;
    const home = boxes.find((box) => box.left <= own.left && own.left < box.right && box.top <= middle && middle < box.bottom);
    const isOut = home !== undefined && (own.right > home.right || own.bottom > home.bottom + 1);
    const isIn = home === undefined && boxes.some((box) => own.right > box.left && own.left < box.left && box.top < middle && middle < box.bottom);
    if (isOut || isIn || own.right > innerWidth) found.push(text.textContent);
  }
  return found;
})()`;

/** Elements that reach beyond the right edge and are not in something that scrolls. */
const tooWide = `[...document.querySelectorAll('header *, main *, footer *')]
  .filter((element) => element.getBoundingClientRect().right > innerWidth + 1 && !element.closest('figure, thead'))
  .map((element) => element.outerHTML.slice(0, 80))`;
