/** Passes one request on to the registry behind and its answer back, doing on the way what a fault says. */
import { type Agent, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoggedRequest } from './accessLog.ts';
import type { Action, Headers } from './faults.ts';

export interface Relayed {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly entry: LoggedRequest;
  readonly action: Action | undefined;
  /** The registry behind. */
  readonly port: number;
  readonly agent: Agent;
  /** Asked of the registry behind instead of the request's own. */
  readonly path?: string;
}

/** Resolves when the exchange is over, whatever became of it. */
export async function relay(relayed: Relayed): Promise<void> {
  const { response, request, action, entry } = relayed;
  if (action?.kind === 'delay') await sleep(action.ms);
  if (action !== undefined && (await answerAlone(relayed, action))) return;
  const behind = await askBehind(relayed);
  if (behind === undefined) {
    request.socket.resetAndDestroy();
    return;
  }
  if (action?.kind === 'loseAnswer') {
    for await (const _ of behind);
    request.socket.resetAndDestroy();
    return;
  }
  const plain = Object.fromEntries(Object.entries(behind.headers).map(([name, value]) => [name, String(value)]));
  const head = dropHopHeaders(action?.kind === 'rewrite' ? action.head(plain, request) : plain);
  entry.status = behind.statusCode ?? 0;
  response.writeHead(entry.status, head);
  await passBody(relayed, behind);
}

/** Faults that need no registry. True when the request was dealt with. */
async function answerAlone(relayed: Relayed, action: Action): Promise<boolean> {
  const { request, response, entry } = relayed;
  if (action.kind === 'status') {
    entry.status = action.status;
    request.resume();
    response.writeHead(action.status, { ...action.headers, 'content-length': Buffer.byteLength(action.body) });
    response.end(request.method === 'HEAD' ? '' : action.body);
    return true;
  }
  if (action.kind === 'resetAtOnce') request.socket.resetAndDestroy();
  else if (action.kind === 'malformedHead') request.socket.end('HTP/0.9 nonsense\r\n\r\n');
  else if (action.kind === 'silence') await new Promise((resolve) => response.once('close', resolve));
  else return false;
  return true;
}

/** The answer of the registry behind; undefined when the exchange broke on the way there. */
async function askBehind(relayed: Relayed): Promise<IncomingMessage | undefined> {
  const { request, action, port, agent, entry } = relayed;
  const headers = { ...request.headers };
  if (action?.kind === 'ignoreRange') delete headers.range;
  const dropsBody = action?.kind === 'strip' && !action.body;
  if (dropsBody) headers['content-length'] = '0';
  const out = httpRequest({
    host: '127.0.0.1',
    port,
    agent,
    method: request.method ?? 'GET',
    path: pathBehind(relayed),
    headers,
  });
  const answer = new Promise<IncomingMessage | undefined>((resolve) => {
    out.once('response', resolve);
    out.once('error', () => resolve(undefined));
    request.once('close', () => {
      if (!request.complete) resolve(undefined);
    });
  });
  const limit = action?.kind === 'cutUpload' ? action.bytes : Number.POSITIVE_INFINITY;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      if (dropsBody) continue;
      const room = chunk.subarray(0, limit - entry.received);
      entry.received += room.length;
      await new Promise<void>((resolve) => out.write(room, () => resolve()));
      if (entry.received < limit) continue;
      await sleep(20);
      out.socket?.end();
      return undefined;
    }
  } catch {
    out.socket?.end();
    return undefined;
  }
  out.end();
  return answer;
}

function pathBehind({ request, action, path }: Relayed): string {
  const asked = path ?? request.url ?? '/';
  if (action?.kind !== 'strip') return asked;
  const url = new URL(asked, 'http://x');
  for (const key of action.query) url.searchParams.delete(key);
  return url.pathname + url.search;
}

async function passBody(relayed: Relayed, behind: IncomingMessage): Promise<void> {
  const { response, request, action, entry } = relayed;
  const cutting = action?.kind === 'cutAfter' || action?.kind === 'finAfter' || action?.kind === 'stallAfter';
  const limit = cutting ? action.bytes : Number.POSITIVE_INFINITY;
  response.flushHeaders();
  try {
    for await (const chunk of behind as AsyncIterable<Buffer>) {
      const room = altered(chunk.subarray(0, limit - entry.sent), { action, offset: entry.sent });
      if (room.length > 0 && !(await written(response, room))) return;
      entry.sent += room.length;
      if (action?.kind === 'slow') await sleep((room.length * 1000) / action.bytesPerSecond);
      if (cutting && entry.sent >= limit) break;
    }
  } catch {
    response.destroy();
    return;
  }
  if (!cutting || entry.sent < limit) {
    response.end();
    return;
  }
  await sleep(20);
  if (action.kind === 'cutAfter') request.socket.resetAndDestroy();
  else if (action.kind === 'finAfter') request.socket.end();
  else await new Promise((resolve) => response.once('close', resolve));
}

function altered(chunk: Buffer, at: { readonly action: Action | undefined; readonly offset: number }): Buffer {
  if (at.action?.kind !== 'flipByte') return chunk;
  const position = at.action.at - at.offset;
  if (position < 0 || position >= chunk.length) return chunk;
  const copy = Buffer.from(chunk);
  copy[position] = (copy[position] ?? 0) ^ 0xff;
  return copy;
}

/** Waits until the bytes are on their way; false when the client is gone. */
function written(response: ServerResponse, bytes: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    if (response.destroyed) return resolve(false);
    const gone = () => resolve(false);
    response.once('close', gone);
    response.write(bytes, (error) => {
      response.off('close', gone);
      resolve(error === undefined || error === null);
    });
  });
}

function dropHopHeaders(headers: Headers): Headers {
  const { connection: _connection, 'keep-alive': _keepAlive, 'transfer-encoding': _encoding, ...rest } = headers;
  return rest;
}
