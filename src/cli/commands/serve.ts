/** `airgap serve`: a layout directory, a bundle or the volumes of a set as a registry, until it is interrupted. */
import type { Invocation } from '../define/wiring.ts';
import { exitCodes } from '../exit.ts';
import { jsonLine } from '../report/json.ts';
import { readServeSettings } from '../serving/serve-settings.ts';
import { servingJson, servingLines } from '../serving/serve-text.ts';
import { openServed } from '../serving/served-place.ts';
import { startServer } from '../serving/start-server.ts';

export async function serve({ inputs, flags, context }: Invocation): Promise<number> {
  const settings = readServeSettings(inputs, flags, context);
  const place = await openServed(settings);
  try {
    const server = await startServer(settings, { place, context });
    if (settings.json) context.stdout.write(`${jsonLine(servingJson(server.facts))}\n`);
    else if (!settings.quiet) context.stdout.write(`${servingLines(server.facts).join('\n')}\n`);
    await aborted(context.signal);
    await server.close();
    return exitCodes.ok;
  } finally {
    await place.store.close();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((done) => signal.addEventListener('abort', () => done(), { once: true }));
}
