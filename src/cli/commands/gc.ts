/** `airgap gc`: what of a layout nobody needs, and with `--yes` its end. */
import { resolve } from 'node:path';
import { collectGarbage, type GarbageReport } from '../../store/layout/gc.ts';
import { parseLocation } from '../../store/location.ts';
import type { Invocation } from '../define/wiring.ts';
import { exitCodes } from '../exit.ts';
import { switchFlag } from '../flags.ts';
import { jsonLine } from '../report/json.ts';
import { writeLines } from '../report/reporter.ts';
import { counted, printable, sizeText, tableLines } from '../report/text.ts';
import { usageError } from '../values.ts';

export async function gc({ inputs, flags, context }: Invocation): Promise<number> {
  const directory = resolve(context.cwd, directoryOf(inputs[0] ?? 'airgap-mirror'));
  const report = await collectGarbage(directory, {
    untagged: switchFlag(flags, 'untagged'),
    remove: switchFlag(flags, 'yes'),
    signal: context.signal,
  });
  if (switchFlag(flags, 'json')) context.stdout.write(`${jsonLine(report, 2)}\n`);
  else if (!switchFlag(flags, 'quiet')) writeLines(context.stdout, garbageLines(report, context.stdout.columns));
  return exitCodes.ok;
}

/** `oci:DIR` as everywhere, or the directory alone, as `airgap serve` takes it. */
function directoryOf(text: string): string {
  if (!/^[a-z]+:/.test(text)) return text;
  const location = parseLocation(text);
  if (location.kind === 'layout') return location.directory;
  throw usageError(`Cannot collect garbage of ${JSON.stringify(text)}: it is no layout directory`, 'write oci:DIR');
}

function garbageLines({ items, bytes, kept, removed }: GarbageReport, columns: number | undefined): string[] {
  const manifests = counted(kept.manifests, 'manifest');
  const stays = `${manifests} and ${counted(kept.blobs, 'other blob')} of ${sizeText(kept.bytes)} stay`;
  if (items.length === 0) return [`nothing to remove: ${stays}`];
  const rows = items.map(({ kind, name, size }) => [kind, printable(name), sizeText(size)]);
  const total = `${counted(items.length, 'thing')} of ${sizeText(bytes)}`;
  const sum = removed ? `removed ${total}; ${stays}` : `${total} would go; ${stays}`;
  return [
    ...tableLines(rows, { right: [2], columns, shrink: 1 }),
    sum,
    ...(removed ? [] : ['nothing was removed: add --yes to do so']),
  ];
}
