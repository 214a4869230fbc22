/**
 * Writes docs/cli.md from what the built program prints with --help. `--check` writes nothing and fails when the page is stale.
 * The program is built first when it is absent or older than its sources.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const program = join(root, 'dist/bin/airgap.js');
const page = join(root, 'docs/cli.md');

const introduction = `# Commands

What \`airgap COMMAND --help\` prints. This page is made from the program by \`npm run docs\`: do not edit it.

Environment: \`AIRGAP_TO\`, \`AIRGAP_ENDPOINT\` and \`AIRGAP_LOCK\` stand for the options of the same name, \`AIRGAP_CA\`, \`AIRGAP_FROM_CA\`,
\`AIRGAP_TO_CA\`, \`AIRGAP_FROM_USER\` and \`AIRGAP_TO_USER\` likewise, \`AIRGAP_FILE\` and \`AIRGAP_CATALOGUE\` for \`--file\` and \`--catalogue\`; an option on the command line wins. Passwords are read from
\`AIRGAP_FROM_PASSWORD\` and \`AIRGAP_TO_PASSWORD\`, what nodes show to the endpoints from \`AIRGAP_ENDPOINT_PASSWORD\` or \`AIRGAP_ENDPOINT_TOKEN\`. \`AIRGAP_DEBUG=1\` adds stacks to errors. Proxies, credentials and colours follow the variables
that other tools know ([mirror](mirror.md)).
`;

function newestIn(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((newest, entry) => Math.max(newest, statSync(join(entry.parentPath ?? entry.path, entry.name)).mtimeMs), 0);
}

function buildWhereStale() {
  if (existsSync(program) && statSync(program).mtimeMs >= newestIn(join(root, 'src'))) return;
  const built = spawnSync(process.execPath, [join(root, 'scripts/build.mjs')], { cwd: root, stdio: 'inherit' });
  if (built.status !== 0) throw new Error('The program could not be built');
}

/** The same text on every machine: no terminal, a fixed width, no colours. */
function helpOf(...command) {
  const env = { PATH: process.env.PATH, COLUMNS: '100', NO_COLOR: '1', LC_ALL: 'C.UTF-8' };
  const shown = spawnSync(process.execPath, [program, ...command, '--help'], { encoding: 'utf8', env });
  if (shown.status !== 0) throw new Error(`airgap ${command.join(' ')} --help failed: ${shown.stderr}`);
  return shown.stdout.trimEnd();
}

/** The commands in the order in which the program lists them. */
function commandsIn(help) {
  const list = help.slice(help.indexOf('\nCommands:\n'), help.indexOf('\nExamples:\n'));
  return [...list.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name).filter((name) => name !== 'help');
}

function section(title, help) {
  return `\n## ${title}\n\n\`\`\`text\n${help}\n\`\`\`\n`;
}

function cliPage() {
  const main = helpOf();
  const commands = commandsIn(main);
  return [
    introduction,
    section('airgap', main),
    ...commands.map((name) => section(`airgap ${name}`, helpOf(name))),
  ].join('');
}

function main() {
  buildWhereStale();
  const text = cliPage();
  const written = existsSync(page) ? readFileSync(page, 'utf8') : '';
  if (written === text) return;
  if (process.argv.includes('--check')) {
    console.error('docs/cli.md is not what the program prints: run npm run docs');
    process.exitCode = 1;
    return;
  }
  writeFileSync(page, text);
  console.log('wrote docs/cli.md');
}

main();
