/** Chooses how a run is reported: JSON lines, errors only, a live view, or plain lines. */
import type { OutputStream } from '../context.ts';
import { JsonReporter } from './json.ts';
import { LiveReporter } from './live-reporter.ts';
import { PlainReporter } from './plain.ts';
import { type Reporter, type ReporterOptions, writeLines } from './reporter.ts';

export function createReporter(options: ReporterOptions): Reporter {
  if (options.json) return new JsonReporter(options);
  if (options.quiet) return quietReporter(options.stderr);
  if (options.stderr.isTTY === true) return new LiveReporter(options);
  return new PlainReporter(options);
}

function quietReporter(stderr: OutputStream): Reporter {
  return {
    event: () => {},
    text: () => {},
    problem: (lines) => writeLines(stderr, lines),
    result: () => {},
    close: () => {},
  };
}
