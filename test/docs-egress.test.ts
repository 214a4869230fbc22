/** Lists of egress on the pages are what the program prints. With AIRGAP_WRITE_DOCS=1 they are written anew (`npm run docs`). */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { run } from '../src/cli/program.ts';
import { KeptOutput } from './cli/terminal.ts';
import { missingInOrder } from './support/missingInOrder.ts';

const folder = fileURLToPath(new URL('../docs', import.meta.url));
/** A command in its first line, what it prints below. `check`, `resolve` and `--observed` depend on what is around. */
const blocks =
  /^```(text|markdown|console|yaml|sh)\n\$ airgap egress (?!check|resolve|--observed)([^\n]*)\n(.*?)^```$/gms;
const pages = ['../README.md', ...readdirSync(folder)].filter(
  (name) => name.endsWith('.md') && [...read(name).matchAll(blocks)].length > 0,
);

function read(page: string): string {
  return readFileSync(join(folder, page), 'utf8');
}

/** What a terminal of this width shows; notes and warnings are not part of it. */
async function printed(line: string): Promise<string> {
  const cwd = mkdtempSync(join(tmpdir(), 'airgap-docs-'));
  const [stdout, stderr] = [new KeptOutput(), new KeptOutput()];
  Object.assign(stdout, { isTTY: true, columns: 140 });
  const argv = ['egress', ...(line.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replaceAll("'", ''))];
  const env = { LANG: 'C.UTF-8', NO_COLOR: '1' };
  const signal = new AbortController().signal;
  try {
    const status = await run(argv, { stdin: Readable.from([]), stdout, stderr, env, cwd, signal, version: '0' });
    expect({ status, stderr: status === 0 ? '' : stderr.text }).toEqual({ status: 0, stderr: '' });
    return stdout.text;
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

describe('pages about egress', () => {
  it('show lists', () => {
    expect(pages).toEqual(
      expect.arrayContaining([
        '../README.md',
        'egress.md',
        'firewall-chainguard.md',
        'firewall-omni.md',
        'firewall-talos.md',
      ]),
    );
  });

  it.each(pages)('%s shows what the program prints', async (page) => {
    let text = read(page);
    for (const [block, language = '', line = '', shown = ''] of read(page).matchAll(blocks)) {
      const whole = await printed(line);
      // With an ellipsis lines are left out: then what is there stands in the output in that order.
      const isShortened = shown.split('\n').includes('…');
      const kept = shown
        .trimEnd()
        .split('\n')
        .filter((one) => one !== '…');
      if (isShortened) expect(missingInOrder(kept, whole.split('\n')), line).toEqual([]);
      else text = text.replace(block, () => `\`\`\`${language}\n$ airgap egress ${line}\n${whole}\`\`\``);
    }
    if (process.env.AIRGAP_WRITE_DOCS === '1') writeFileSync(join(folder, page), text);
    else expect(read(page)).toBe(text);
  });
});
