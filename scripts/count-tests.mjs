/**
 * Adds up the reports in a folder and prints `N passed, N failed` as its only line; what was skipped is told on standard error.
 *
 * The folder holds, for each suite, `NAME.suite` (its exit status) and `NAME.json` (its report), and for each step that is no suite
 * `NAME.step` (its exit status). A suite that crashed counts as one failure on top of what its report says, if it has one.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2];
if (folder === undefined) {
  console.error('Usage: node scripts/count-tests.mjs FOLDER');
  process.exit(2);
}

function statusIn(file) {
  return readFileSync(join(folder, file), 'utf8').trim();
}

function reportOf(name) {
  const file = join(folder, `${name}.json`);
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** A file whose tests never started has the status "failed" and no failed test in it. */
function brokenFiles(report) {
  return (report.testResults ?? []).filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length;
}

function countSuite(name, status) {
  const report = reportOf(name);
  if (report === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const failed = report.numFailedTests + brokenFiles(report);
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && (status !== '0' || report.numPassedTests === 0) ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

const total = { passed: 0, failed: 0, skipped: 0 };
for (const file of existsSync(folder) ? readdirSync(folder).sort() : []) {
  const name = file.replace(/\.(suite|step)$/, '');
  if (file.endsWith('.step')) total[statusIn(file) === '0' ? 'passed' : 'failed'] += 1;
  if (!file.endsWith('.suite')) continue;
  const counts = countSuite(name, statusIn(file));
  for (const key of Object.keys(total)) total[key] += counts[key];
}
if (total.passed + total.failed === 0) total.failed = 1;

if (total.skipped > 0) console.error(`${total.skipped} skipped: the titles above say why`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
