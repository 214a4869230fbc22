/** What the documentation says has to be so: commands, options, codes, statuses, fields, links and scripts are held against the program. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { exitCodeFor, exitCodes } from '../src/cli/exit.ts';
import { run } from '../src/cli/program.ts';
import { AirgapError, errorCodes } from '../src/errors.ts';
import * as library from '../src/index.ts';
import { parseLock } from '../src/lock/parse.ts';
import { printLock } from '../src/lock/print.ts';
import { KeptOutput } from './cli/terminal.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const pages = [
  ...['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'],
  ...markdownIn('docs'),
  ...markdownIn('docs/decisions'),
];
const commands = [
  'mirror',
  'plan',
  'verify',
  'check',
  'emit',
  'egress',
  'images',
  'catalogue',
  'receipt',
  'serve',
  'gc',
  'init',
];
/** Options of other programs that the pages name. */
const foreignOptions = ['--config-patch', '--check', '--nodes'];

const help = new Map<string, string>();

beforeAll(async () => {
  help.set('', await helpOf([]));
  for (const command of commands) help.set(command, await helpOf([command]));
});

describe('commands and options', () => {
  it('commands are those the program lists', () => {
    const listed = [...(help.get('') ?? '').matchAll(/^ {2}([a-z]+) \[/gm)].map(([, name]) => name);
    expect(listed.filter((name) => name !== 'help')).toEqual(commands);
  });

  it.each(pages)('%s calls airgap with commands and options that exist', (page) => {
    const wrong = callsIn(read(page)).flatMap(({ command, options }) => {
      const known = help.get(command);
      if (known === undefined) return [`airgap ${command}`];
      return options.filter((option) => !hasOption(known, option)).map((option) => `airgap ${command} ${option}`);
    });
    expect(wrong).toEqual([]);
  });

  it.each(pages)('%s names no option that no command has', (page) => {
    const named = proseOf(read(page)).flatMap((text) => text.match(/(?<![\w-])--[a-z][a-z-]*/g) ?? []);
    const all = [...help.values()].join('\n');
    expect(named.filter((option) => !hasOption(all, option) && !foreignOptions.includes(option))).toEqual([]);
  });

  it('docs/cli.md shows the help of every command as the program prints it', () => {
    const page = read('docs/cli.md');
    for (const text of help.values()) expect(page).toContain(`\`\`\`text\n${text}\n\`\`\`\n`);
  });

  it('every command is shown in the README', () => {
    const called = new Set(callsIn(read('README.md')).map(({ command }) => command));
    expect(commands.filter((command) => !called.has(command))).toEqual([]);
  });
});

describe('errors', () => {
  const sections = read('docs/errors.md')
    .split(/^## (?=ERR_)/m)
    .slice(1);

  it('docs/errors.md has a section for every code, in the order of the source', () => {
    expect(sections.map((section) => section.split('\n')[0])).toEqual([...errorCodes]);
  });

  it.each(errorCodes)('docs/errors.md tells the exit status of %s', (code) => {
    const section = sections.find((text) => text.startsWith(`${code}\n`)) ?? '';
    const told = /^Exit status ([^.]+)\./m.exec(section)?.[1]?.match(/\d+/g) ?? [];
    const unknownEnd = exitCodeFor(new AirgapError(code, 'x'));
    const ends = (['source', 'target'] as const).map((end) => exitCodeFor(new AirgapError(code, 'x', { end })));
    expect(told.map(Number).sort()).toEqual([...new Set([...ends, unknownEnd])].sort());
  });

  it.each(['README.md', 'docs/errors.md'])('%s lists every exit status', (page) => {
    const [, section = ''] = read(page).split(/^## Exit status$/m);
    const told = [...(section.split(/^## /m)[0] ?? '').matchAll(/^\| (\d+) \|/gm)].map(([, status]) => Number(status));
    expect(told).toEqual(Object.values(exitCodes));
  });
});

describe('the lock', () => {
  const page = read('docs/lock-format.md');
  const example = /^```json\n(.*?)^```/ms.exec(page)?.[1] ?? '';

  it('the example on the page is a lock', () => {
    expect(JSON.parse(printLock(parseLock(example, 'example')))).toEqual(JSON.parse(example));
  });

  it('the example shows a contact of which nothing was kept, and others with what was', () => {
    const { contacts } = parseLock(example, 'example');
    expect(new Set(contacts.map(({ observed }) => observed === undefined))).toEqual(new Set([true, false]));
  });

  it('the page has a row for every field that is printed, and no other', () => {
    const lock = parseLock(example, 'example');
    const digest = library.parseDigest(`sha256:${'0'.repeat(64)}`);
    const images = lock.images.map((image) => ({
      ...image,
      narrowedFrom: digest,
      retag: { repository: 'pause' },
    }));
    const told = [...page.matchAll(/^\| `(\w+)`/gm)].map(([, field]) => field);
    expect([...new Set(told)].sort()).toEqual(fieldsOf(JSON.parse(printLock({ ...lock, images }))).sort());
  });
});

describe('the library', () => {
  it('docs/library.md names exports that exist', () => {
    const [, table = ''] = read('docs/library.md').split(/^## Parts$/m);
    const rows = table.split('\n').filter((line) => line.startsWith('| ') && line.includes('`'));
    const named = rows.flatMap((row) => [...row.matchAll(/`(\w+)`/g)].map(([, name]) => name));
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((name) => !(String(name) in library))).toEqual([]);
  });

  it('docs/library.md names every value that is exported', () => {
    const page = read('docs/library.md');
    expect(Object.keys(library).filter((name) => !new RegExp(`\\b${name}\\b`).test(page))).toEqual([]);
  });
});

describe('the pages themselves', () => {
  it.each(pages)('%s has links that lead somewhere', (page) => {
    const links = [...withoutBlocks(read(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link ?? '');
    const local = links.filter((link) => !/^https?:/.test(link)).map((link) => link.split('#')[0] ?? '');
    expect(local.filter((link) => !existsSync(join(root, dirname(page), link)))).toEqual([]);
  });

  it.each(pages)('%s names npm scripts that exist', (page) => {
    const scripts = Object.keys(JSON.parse(read('package.json')).scripts);
    const named = [...read(page).matchAll(/\bnpm (?:run ([\w:-]+)|(test))\b/g)].map(([, name, test]) => name ?? test);
    expect(named.filter((name) => !scripts.includes(String(name)))).toEqual([]);
  });

  it.each(pages)('%s names no path of one machine and no package registry', (page) => {
    const text = read(page);
    expect(text).not.toMatch(/(?<![\w.])\/(?:work|tmp|root|home|Users)\//);
    expect(text).not.toMatch(/npmjs\.|\.npmrc|https?:\/\/[^\s)]*(?:artifactory|nexus|verdaccio|\/npm\/)/i);
  });

  it('docs/README.md leads to every page beside it', () => {
    const index = read('docs/README.md');
    const beside = markdownIn('docs').map((page) => page.replace('docs/', ''));
    expect(beside.filter((page) => page !== 'README.md' && !index.includes(`(${page})`))).toEqual([]);
  });

  it('CHANGELOG.md has an Unreleased section with something in it', () => {
    const [, unreleased = ''] = read('CHANGELOG.md').split(/^## \[Unreleased\]$/m);
    expect(unreleased.split(/^## /m)[0]).toMatch(/^- \S/m);
  });
});

function read(page: string): string {
  return readFileSync(join(root, page), 'utf8');
}

function markdownIn(folder: string): string[] {
  return readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`);
}

async function helpOf(argv: readonly string[]): Promise<string> {
  const [stdout, stderr] = [new KeptOutput(), new KeptOutput()];
  const { signal } = new AbortController();
  const status = await run([...argv, '--help'], {
    ...{ stdin: Readable.from([]), stdout, stderr, env: {}, cwd: root, signal, version: '0' },
  });
  expect(status).toBe(0);
  return stdout.text.trimEnd();
}

function hasOption(help: string, option: string): boolean {
  return new RegExp(`(?<![\\w-])${option}(?![\\w-])`).test(help);
}

interface Call {
  readonly command: string;
  readonly options: readonly string[];
}

/** `airgap COMMAND --option …` in fenced blocks, pipes and comments cut off. */
function callsIn(text: string): Call[] {
  const lines = [...text.matchAll(/^```(?:sh|text)\n(.*?)^```/gms)].flatMap(([, block]) => (block ?? '').split('\n'));
  return lines.flatMap((line) => {
    const code = line.replace(/(?:^|\s)#.*$/, '');
    return [...code.matchAll(/(?:^|[|;&$:]|=\S+) *airgap ([a-z]+)\b([^|;&]*)/g)].map(([, command, rest]) => ({
      command: command ?? '',
      options: rest?.match(/(?<![\w-])--[a-z][a-z-]*/g) ?? [],
    }));
  });
}

function withoutBlocks(text: string): string {
  return text.replaceAll(/^```.*?^```/gms, '');
}

/** Inline code, without what runs other programs. */
function proseOf(text: string): string[] {
  const spans = [...withoutBlocks(text).matchAll(/`([^`\n]+)`/g)].map(([, code]) => code ?? '');
  return spans.filter((code) => !/^(?:npm|npx|node|docker|talosctl|skopeo|curl|git|vitest)\b/.test(code));
}

/** Names of all fields, at any depth. */
function fieldsOf(value: unknown): string[] {
  if (Array.isArray(value)) return [...new Set(value.flatMap(fieldsOf))];
  if (typeof value !== 'object' || value === null) return [];
  return [...new Set(Object.entries(value).flatMap(([name, part]) => [name, ...fieldsOf(part)]))];
}
