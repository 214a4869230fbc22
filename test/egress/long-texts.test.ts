/** Texts of tens of thousands of characters that were made to keep an expression busy: each takes time in proportion to its length. */
import { describe, expect, it } from 'vitest';
import { covers } from '../../src/egress/destination.ts';
import { isHost, plainText } from '../../src/egress/firewall/hosts.ts';
import { setsIn } from '../../src/egress/firewall/nft-refresh.ts';
import { placeOfRegistry, placeOfUrl } from '../../src/egress/needs/place.ts';
import { csvCell } from '../../src/egress/print/csv.ts';
import { wrapped } from '../../src/egress/print/grid.ts';
import { fonts } from '../../src/egress/print/layout.ts';
import { escapeMarkdown } from '../../src/egress/print/markdown.ts';
import { linesOf } from '../../src/egress/print/text-size.ts';
import { visible } from '../../src/egress/print/visible.ts';
import { isHostAndPort } from '../../src/lock/contacts.ts';
import { readNodeConfig } from '../../src/node/read-config.ts';
import { readVersion } from '../../src/talos/version.ts';

const length = 60_000;
const parts = [
  'a',
  'a.',
  'a-',
  '*',
  '*.',
  '.',
  ' ',
  '@',
  ':',
  '[',
  '//',
  '/?#',
  'a@',
  '=',
  '&#',
  '\\',
  '\u202e',
  '1:',
  'a b',
  '" ',
];
const texts = parts.flatMap((part) => {
  const long = part.repeat(Math.ceil(length / part.length));
  return [long, `${long}!`, `!${long}`, `https://${long}@x.io`, `${long}:443\n`];
});

const version = readVersion('v1.14.0');
const outbound = (text: string) => {
  if (version === undefined) throw new Error('no version');
  const document = JSON.stringify({ machine: { env: { https_proxy: text }, time: { servers: [text] } } });
  return readNodeConfig([{ name: 'x.yaml', text: document }], { version }).outbound;
};

const readers: Readonly<Record<string, (text: string) => unknown>> = {
  covers: (text) => [covers(text, 'a.b.c'), covers('*.x.io', text), covers('a*b*c.*.io', text), covers(text, text)],
  isHost,
  isHostAndPort,
  placeOfRegistry,
  placeOfUrl,
  plainText,
  csvCell,
  escapeMarkdown,
  visible,
  setsIn: (text) => setsIn(text),
  wrapped: (text) => wrapped(text, 80),
  linesOf: (text) => linesOf(text, { font: fonts.why, width: 200 }),
  'a proxy of a configuration': outbound,
};

describe('long texts', () => {
  it.each(Object.entries(readers))('keep %s busy no longer than they are long', (_, read) => {
    for (const text of texts) {
      const before = process.cpuUsage();
      read(text);
      const { user, system } = process.cpuUsage(before);
      expect((user + system) / 1e6, JSON.stringify(text.slice(0, 12))).toBeLessThan(2);
    }
  });
});
