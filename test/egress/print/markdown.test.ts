import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeMarkdown, printMarkdown } from '../../../src/egress/print/markdown.ts';
import { destination, hostileList, hostileTexts, listOf, observedList, talosList, testSources } from '../lists.ts';

const options = { stateless: false, title: 'a job', sources: testSources };

/** Cells of a row of a GFM table: a pipe after a backslash is text. */
function cellsOf(line: string): string[] {
  return line
    .split(/(?<!(?<!\\)(?:\\\\)*\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim());
}

const rowsOf = (text: string) => text.split('\n').filter((line) => line.startsWith('|'));

describe('Markdown', () => {
  it('has a table for each role and the sources below, with title, address and date', () => {
    const text = printMarkdown(talosList, options);
    expect(text.match(/^## .*$/gm)).toEqual([
      '## The host that mirrors',
      '## Nodes, once mirrored',
      '## Warnings',
      '## Notes',
      '## Sources',
    ]);
    expect(text).toContain('| `ghcr.io` | 443/tcp | registry ghcr.io | required | [1] |');
    expect(text).toContain(
      '1. Talos Linux v1.14: Egress Domains, <https://docs.siderolabs.com/talos/v1.14/networking/egress-domains>, 2026-05-04\n',
    );
    expect(text).toMatch(/^2\. registry\.k8s\.io: .*, kubernetes\/registry\.k8s\.io, .*, 2026-08-06$/m);
  });

  it('shows what stands in for what, what is seen, and what comes back', () => {
    const text = printMarkdown(observedList, { ...options, stateless: true });
    expect(text).toContain('in place of `*.githubusercontent.com`; through the proxy `proxy.site.example:3128`');
    expect(text).toContain('| unknown | NOT DECLARED |');
    expect(text).toContain('| `10.5.0.1` | from 6000/tcp | answers, in to local ports 1024-65535 | required |  |  |');
  });

  it('has as many cells in each row as in its heading, whatever the texts hold', () => {
    for (const text of [printMarkdown(hostileList, options), printMarkdown(talosList, options)]) {
      const widths = new Set(rowsOf(text).map((line) => cellsOf(line).length));
      expect(widths.size).toBe(1);
    }
    expect(rowsOf(printMarkdown(hostileList, options))).toHaveLength(hostileTexts.length + 2);
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (text) => {
        const list = listOf([destination(text, { purposes: [text], condition: text, inPlaceOf: [text] })]);
        expect(rowsOf(printMarkdown(list, options)).map((line) => cellsOf(line).length)).toEqual([5, 5, 5]);
      }),
    );
  });

  it('has a name as code only where that shows it as it is', () => {
    const hostOf = (host: string) =>
      printMarkdown(listOf([destination(host)]), options).match(/^\| (.*?) \| 443/m)?.[1];
    expect(hostOf('*.pkg.dev')).toBe('`*.pkg.dev`');
    for (const host of [' x', 'x ', 'a`b', 'a|b']) expect(hostOf(host)).toBe(escapeMarkdown(host));
  });

  it('leaves no mark-up in a text', () => {
    expect(escapeMarkdown('[x](y) <b> `c` *d* _e_ ~~f~~ a|b &lt; # !')).toBe(
      '\\[x\\](y) \\<b\\> \\`c\\` \\*d\\* \\_e\\_ \\~\\~f\\~\\~ a\\|b \\&lt; \\# \\!',
    );
    expect(escapeMarkdown('- one')).toBe('\\- one');
    expect(escapeMarkdown('1. one')).toBe('1\\. one');
    expect(escapeMarkdown('---')).toBe('\\---');
  });
});
