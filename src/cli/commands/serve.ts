/** `airgap serve`: a layout directory as a read-only registry, until it is interrupted. */
import { stat } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join, resolve } from 'node:path';
import { AirgapError, isAirgapError } from '../../errors.ts';
import { type RunningServer, type ServedRequest, type ServeOptions, serveStore } from '../../serve/open.ts';
import { openLayout } from '../../store/layout/open.ts';
import type { Source } from '../../store/store.ts';
import type { Invocation } from '../define/wiring.ts';
import { exitCodes } from '../exit.ts';
import { switchFlag, textFlag } from '../flags.ts';
import { jsonLine } from '../report/json.ts';
import { printable } from '../report/text.ts';
import { readListen, usageError } from '../values.ts';

export async function serve({ inputs, flags, context }: Invocation): Promise<number> {
  const listen = readListen('--listen', textFlag(flags, 'listen') ?? ':6000');
  const directory = resolve(context.cwd, (inputs[0] ?? 'airgap-mirror').replace(/^oci:/, ''));
  await requireLayout(directory);
  const json = switchFlag(flags, 'json');
  const log = (request: ServedRequest): void =>
    void context.stderr.write(`${json ? jsonLine({ type: 'request', ...request }) : requestLine(request)}\n`);
  const store = await openLayout(directory, { readOnly: true });
  try {
    const server = await listenOn(store, { listen, ...(switchFlag(flags, 'log') ? { onRequest: log } : {}) });
    const urls = listen.host === undefined ? urlsOfMachine(server.port) : [server.url];
    if (json) context.stdout.write(`${jsonLine({ type: 'serving', directory, urls })}\n`);
    else if (!switchFlag(flags, 'quiet'))
      context.stdout.write(`serving ${directory} at ${urls.join(', ')}\nCtrl-C stops it\n`);
    await aborted(context.signal);
    await server.close();
    return exitCodes.ok;
  } finally {
    await store.close();
  }
}

async function requireLayout(directory: string): Promise<void> {
  const found = await stat(join(directory, 'oci-layout')).then(
    (stats) => stats.isFile(),
    () => false,
  );
  if (!found)
    throw usageError(
      `Cannot serve "${directory}": it is no OCI layout directory`,
      'airgap mirror without --to writes one to airgap-mirror',
    );
}

/** Every address, over IPv6 and IPv4 where the machine has both. */
async function listenOn(
  store: Source,
  options: ServeOptions & { readonly listen: { readonly host: string | undefined; readonly port: number } },
): Promise<RunningServer> {
  const { host, port } = options.listen;
  try {
    return await serveStore(store, { ...options, listen: { host: host ?? '::', port } });
  } catch (error) {
    if (!isAirgapError(error)) throw error;
    const cause = error.cause instanceof Error && 'code' in error.cause ? error.cause.code : undefined;
    if (host === undefined && (cause === 'EAFNOSUPPORT' || cause === 'EADDRNOTAVAIL')) {
      return serveStore(store, { ...options, listen: { host: '0.0.0.0', port } });
    }
    throw describeListenError(error, String(cause ?? ''));
  }
}

function describeListenError(error: AirgapError, cause: string): AirgapError {
  const hint = cause === 'EADDRINUSE' ? 'choose another with --listen, for example --listen :6001' : undefined;
  return new AirgapError('ERR_USAGE', error.message, { cause: error, ...(hint === undefined ? {} : { hint }) });
}

/** The addresses other machines may use, this one's own last. */
function urlsOfMachine(port: number): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const outward = addresses
    .filter((address) => address.family === 'IPv4' && !address.internal)
    .map(({ address }) => address);
  return [...outward, '127.0.0.1'].map((address) => `http://${address}:${port}`);
}

/** `GET /v2/a/manifests/1 200 1234 B 3 ms`. */
function requestLine({ method, path, status, bytes, ms }: ServedRequest): string {
  return `${printable(method)} ${printable(path)} ${status} ${bytes} B ${Math.round(ms)} ms`;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((done) => signal.addEventListener('abort', () => done(), { once: true }));
}
