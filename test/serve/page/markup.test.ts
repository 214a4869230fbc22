import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeHtml, html, trusted } from '../../../src/serve/page/markup.ts';

/** Reads back what a browser would show. */
function shown(markup: string): string {
  const named: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
  return markup.replaceAll(/&([a-z#0-9]+);/g, (_, name: string) => named[name] ?? '?');
}

describe('html``', () => {
  it('lets no text become markup, in content and in attributes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const printed = html`<p title="${text}">${text}</p>`.text;
        const match = /^<p title="([^"<>']*)">([^"<>']*)<\/p>$/s.exec(printed);
        expect(match).not.toBeNull();
        expect(match?.[1]).toBe(match?.[2]);
      }),
    );
  });

  it('shows ordinary text as it is', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[\t\n -~äöü漢字\u00a0…]*$/), (text) => {
        expect(shown(escapeHtml(text))).toBe(text);
      }),
    );
  });

  it('writes out what would not be seen or would turn the line around', () => {
    expect(escapeHtml('a\u202eb\u200bc\u0000d\u2028e\ud800f')).toBe('a\\u202eb\\u200bc\\u0000d\\u2028e\\ud800f');
  });

  it('takes lists, numbers, markup and nothing', () => {
    expect(html`${[html`<b>${'<'}</b>`, 3, undefined, '&']}${trusted('<hr>')}`.text).toBe('<b>&lt;</b>3&amp;<hr>');
  });
});
