/**
 * Runs the official conformance suite of the OCI distribution-spec against a writable `serveStore()` over a new layout.
 *   node scripts/conformance.mjs [--report FILE] [--build-only] [--keep]
 *
 * The suite is fetched and built by the `go` that is there, once, into .cache/conformance; nothing of it is in this repository.
 * Its own reports (junit.xml, results.yaml, report.html) stay beside it. `--report` writes the counts as vitest writes them.
 * Exit status: 0 all passed, 1 something failed, 3 the suite could not be built (the reason is on standard error).
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const suite = 'github.com/opencontainers/distribution-spec/conformance';
/** The commit of 2026-08-31: it tests version 1.1 of the specification and what is agreed on for the next. */
const version = 'v0.0.0-20260831232431-97274622c111';

const root = fileURLToPath(new URL('..', import.meta.url));
const cache = join(root, '.cache/conformance');
const program = join(cache, version, 'conformance');

const { values } = parseArgs({
  options: { report: { type: 'string' }, 'build-only': { type: 'boolean' }, keep: { type: 'boolean' } },
});

function giveUp(reason) {
  process.stderr.write(`${reason}\n`);
  process.exit(3);
}

/** On PATH, or where its own installer puts it. */
function findGo() {
  return ['go', '/usr/local/go/bin/go'].find((go) => spawnSync(go, ['version']).status === 0);
}

function buildSuite() {
  if (existsSync(program)) return;
  const go = findGo();
  if (go === undefined) giveUp('go is not installed');
  mkdirSync(join(cache, version), { recursive: true });
  const env = { ...process.env, GOBIN: join(cache, version), GOTOOLCHAIN: 'local', GOFLAGS: '' };
  const built = spawnSync(go, ['install', `${suite}@${version}`], { env, encoding: 'utf8', timeout: 300_000 });
  if (built.status === 0 && existsSync(program)) return;
  const lines = (built.stderr ?? '')
    .trim()
    .split('\n')
    .filter((line) => !line.startsWith('go: downloading'));
  giveUp(`the suite could not be built: ${lines.at(-1) || (built.error?.message ?? `go ended with ${built.status}`)}`);
}

/** The library as it stands in src. */
async function loadLibrary() {
  const outfile = join(cache, 'library.mjs');
  const contents =
    "export { serveStore } from './src/serve/open.ts'; export { openLayout } from './src/store/layout/open.ts';";
  const stdin = { contents, resolveDir: root, loader: 'ts' };
  await build({ stdin, outfile, bundle: true, platform: 'node', format: 'esm', logLevel: 'error' });
  return import(pathToFileURL(outfile).href);
}

/** All four workflows, with everything the suite can test but what version 1.1 lets a registry refuse: manifests whose blobs are absent. */
function settings(host) {
  return {
    PATH: process.env.PATH,
    OCI_VERSION: 'dev',
    OCI_REGISTRY: host,
    OCI_TLS: 'disabled',
    OCI_REPO1: 'conformance/one',
    OCI_REPO2: 'conformance/two',
    OCI_RESULTS_DIR: join(cache, 'results'),
    OCI_API_PULL: 'true',
    OCI_API_PUSH: 'true',
    OCI_API_TAGS_LIST: 'true',
    OCI_API_REFERRER: 'true',
    OCI_API_BLOBS_DELETE: 'true',
    OCI_API_MANIFESTS_DELETE: 'true',
    OCI_API_TAGS_DELETE: 'true',
    OCI_API_BLOBS_MOUNT_ANONYMOUS: 'true',
  };
}

function runSuite(host) {
  rmSync(join(cache, 'results'), { recursive: true, force: true });
  const child = spawn(program, [], { cwd: cache, env: settings(host), stdio: ['ignore', 'ignore', 'pipe'] });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    complaint = (complaint + text).slice(-4000);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, complaint }));
  });
}

const entities = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'", '#34': '"', '#39': "'", '#xA': '\n', '#x9': '\t' };

function decode(text) {
  return text.replaceAll(/&(#?\w+);/g, (whole, name) => entities[name] ?? whole);
}

/** Every test of junit.xml: its name, `passed`, `skipped`, `failure` or `error`, and what was said about it. */
function readTests() {
  const file = join(cache, 'results/junit.xml');
  if (!existsSync(file)) return [];
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/<testcase ([^>]*)>([\s\S]*?)<\/testcase>/g)].map(([, attributes, inner]) => {
    const of = (name) => decode(new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? '');
    const said = decode(/<system-out>([\s\S]*?)<\/system-out>/.exec(inner)?.[1] ?? '').trim();
    return { name: of('name').replace('OCI Conformance Test/', ''), status: of('status'), said };
  });
}

function writeReport(file, tests) {
  const status = { passed: 'passed', skipped: 'pending' };
  const assertionResults = tests.map((test) => ({
    fullName: test.name,
    title: test.name,
    status: status[test.status] ?? 'failed',
    failureMessages: test.said === '' ? [] : [test.said],
  }));
  const count = (wanted) => assertionResults.filter((test) => test.status === wanted).length;
  const report = {
    numPassedTests: count('passed'),
    numFailedTests: count('failed'),
    numPendingTests: count('pending'),
    numTodoTests: 0,
    testResults: [
      { name: 'distribution-spec conformance', status: count('failed') > 0 ? 'failed' : 'passed', assertionResults },
    ],
  };
  writeFileSync(file, JSON.stringify(report));
}

buildSuite();
if (values['build-only']) process.exit(0);
const { openLayout, serveStore } = await loadLibrary();
const directory = mkdtempSync(join(tmpdir(), 'airgap-conformance-'));
const layout = await openLayout(directory, { create: true });
const server = await serveStore(layout, { writable: true, graceMs: 200 });
const { status, complaint } = await runSuite(server.host);
await server.close();
await layout.close();
if (!values.keep) rmSync(directory, { recursive: true, force: true });

const tests = readTests();
const by = (...wanted) => tests.filter((test) => wanted.includes(test.status));
const [passed, skipped, failed] = [by('passed'), by('skipped'), by('failure', 'error')];
for (const { name, said } of failed) console.log(`failed   ${name}\n         ${said.replaceAll('\n', '\n         ')}`);
for (const { name, said } of skipped) console.log(`skipped  ${name}: ${said.split('\n')[0]}`);
console.log(`${passed.length} passed, ${failed.length} failed, ${skipped.length} skipped`);
if (values.report !== undefined) writeReport(values.report, tests);
const crashed = passed.length === 0 || (status !== 0 && failed.length === 0);
if (crashed) console.log(`the suite ended with ${status}: ${complaint.trim()}`);
process.exitCode = crashed || failed.length > 0 ? 1 : 0;
