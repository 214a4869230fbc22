/** Tries one destination by what is spoken there. */
import type { Socket } from 'node:net';
import { type Destination, isPlaceholder, isWildcard } from '../egress/destination.ts';
import type { Probed } from '../egress/verdict.ts';
import { bareHostname, portOf } from '../http/hosts.ts';
import { Attempt, type Probing } from './attempt.ts';
import { speakUdp, type Told } from './datagrams.ts';
import { askDnsOverTcp, dnsState } from './dns.ts';
import { askHead, greetHttp2, type Head, NotHttp, proxyRefusal, readRegistryAnswer } from './http.ts';
import { NoSuchProtocol, NotTls } from './tls.ts';
import { StepFailure } from './trail.ts';
import { isOffInternet, isThisHost } from './unlikely-address.ts';

/** Never fetches content: of an answer the head is read. Rejects only when the signal is aborted. */
export async function probeDestination(destination: Destination, probing: Probing): Promise<Probed> {
  const untried = whyUntried(destination);
  if (untried !== undefined) {
    return { destination, verdict: 'unknown', ...untried, notes: [], steps: [], addresses: [] };
  }
  const attempt = new Attempt(destination, probing);
  try {
    const state = await speak(attempt);
    await attempt.end();
    return { ...learnt(attempt), verdict: state.isSure ? 'open' : 'unknown', state: state.text };
  } catch (error) {
    await attempt.end();
    if (!(error instanceof StepFailure)) throw error;
    return judged(error, attempt);
  }
}

function whyUntried({ host }: Destination): { readonly state: string; readonly hint: string } | undefined {
  if (isWildcard(host)) {
    return {
      state: 'not tried: a wildcard is no name',
      hint: 'allow it, and see with --observed which hosts a run met',
    };
  }
  if (!isPlaceholder(host)) return undefined;
  const hint = host === '<omni>' ? 'name it with --omni-host' : 'name it on the command line';
  return { state: 'not tried: only the site knows which host that is', hint };
}

function learnt(attempt: Attempt): Omit<Probed, 'verdict' | 'state'> {
  const { destination, notes, trail, addresses, milliseconds, certificate, tokenService } = attempt;
  return {
    destination,
    notes,
    steps: trail.steps,
    addresses,
    ...(milliseconds !== undefined && { milliseconds: Math.round(milliseconds * 10) / 10 }),
    ...(certificate !== undefined && { certificate }),
    ...(tokenService !== undefined && { tokenService }),
  };
}

/** A name server that keeps a name back answers an address of no host: then nothing is blocked, the answer is wrong. */
function judged(failure: StepFailure, attempt: Attempt): Probed {
  const step = attempt.trail.steps.at(-1)?.name;
  const { addresses, isPublic, proxy } = attempt;
  const known = { ...learnt(attempt), step, hint: failure.hint, missing: failure.missing };
  const isStrange = isPublic && proxy === undefined && addresses.length > 0 && addresses.every(isOffInternet);
  if (!isStrange) return { ...known, verdict: failure.verdict, state: failure.message };
  const listed = addresses.join(', ');
  if (step === 'connection' && addresses.every(isThisHost)) {
    return {
      ...known,
      verdict: 'wrong answer',
      state: `the name server answers ${listed}, where no host of the internet is (${failure.message})`,
      hint: 'the name server keeps this name back: have it answer the real address',
    };
  }
  const note = `the name server answers ${listed}, which is no address of the internet`;
  return { ...known, verdict: failure.verdict, state: failure.message, notes: [...known.notes, note] };
}

async function speak(attempt: Attempt): Promise<Told> {
  const { speaks, protocol, isRegistry } = attempt.destination;
  if (protocol === 'udp') return await speakUdp(attempt);
  switch (speaks) {
    case 'https':
      return sure(await speakHttps(attempt));
    case 'http':
      return sure(await speakHttp(attempt));
    case 'dns':
      return sure(await speakDns(attempt));
    default:
      return sure(isRegistry ? await speakEither(attempt) : await justConnect(attempt));
  }
}

function sure(text: string): Told {
  return { text, isSure: true };
}

async function justConnect(attempt: Attempt): Promise<string> {
  await attempt.connect();
  return 'connected';
}

/** A registry of which nobody said what it speaks. */
async function speakEither(attempt: Attempt): Promise<string> {
  try {
    return await speakHttps(attempt);
  } catch (error) {
    if (!(error instanceof NotTls)) throw error;
    return await speakHttp(attempt);
  }
}

async function speakHttps(attempt: Attempt): Promise<string> {
  const socket = await attempt.connect();
  try {
    const secured = await attempt.secure(socket, ['http/1.1']);
    return await askOver(attempt, secured);
  } catch (error) {
    // Services for gRPC speak HTTP/2 and nothing else.
    if (!(error instanceof NoSuchProtocol) || attempt.destination.isRegistry) throw error;
    const secured = await attempt.secure(await attempt.connect(), ['h2']);
    return await attempt.trail.take('answer', async () => {
      await greetHttp2(secured, attempt.limits);
      return { value: 'answers in HTTP/2', detail: 'answers in HTTP/2' };
    });
  }
}

async function speakHttp(attempt: Attempt): Promise<string> {
  const { proxy } = attempt;
  // Plain HTTP is asked of the proxy itself, unless that is spoken to over TLS: as http/connections.ts does.
  if (proxy === undefined || proxy.url.protocol === 'https:') return await askOver(attempt, await attempt.connect());
  return await askOver(attempt, await attempt.connectToProxy(proxy), true);
}

/** GET of `/v2/`, or HEAD of `/`, whose status does not matter: it shows that HTTP comes through. */
async function askOver(attempt: Attempt, socket: Socket, isAbsolute = false): Promise<string> {
  const { destination, proxy, trail, limits } = attempt;
  const { isRegistry, speaks } = destination;
  const host = hostHeader(destination);
  const path = `${isAbsolute ? `http://${host}` : ''}${isRegistry ? '/v2/' : '/'}`;
  const authorization = isAbsolute ? proxy?.authorization : undefined;
  const headers = authorization === undefined ? {} : { 'proxy-authorization': authorization };
  return await trail.take('answer', async () => {
    try {
      const head = await askHead(socket, { method: isRegistry ? 'GET' : 'HEAD', path, host, headers }, limits);
      const text = readHead(head, { attempt, proxyHost: isAbsolute ? proxy?.url.host : undefined });
      return { value: text, detail: text };
    } catch (error) {
      // A verified certificate says who it is, whatever is spoken inside.
      if (!(error instanceof NotHttp) || isRegistry || speaks !== 'https') throw error;
      return { value: 'answers', detail: 'answers, not in HTTP/1.1' };
    }
  });
}

function hostHeader({ host, port, speaks }: Destination): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return port === (speaks === 'http' ? 80 : 443) ? name : `${name}:${port}`;
}

/** Statuses of whoever stands in between: RFC 9110, 15.5.8; RFC 6585, 6. */
const inBetween = [407, 511];

function readHead(
  head: Head,
  { attempt, proxyHost }: { readonly attempt: Attempt; readonly proxyHost: string | undefined },
): string {
  const { status } = head;
  if (proxyHost !== undefined && [407, 502, 503, 504].includes(status)) throw proxyRefusal(status, proxyHost);
  if (inBetween.includes(status)) {
    throw new StepFailure('wrong answer', `answers ${status}: something in between wants credentials`);
  }
  if (!attempt.destination.isRegistry) return `answers ${status}`;
  const { state, notes, realm } = readRegistryAnswer(head);
  attempt.notes.push(...notes);
  if (realm === undefined) return state;
  attempt.tokenService = { host: bareHostname(realm.hostname), port: Number(portOf(realm)) };
  return `${state}, tokens by ${realm.host}`;
}

async function speakDns(attempt: Attempt): Promise<string> {
  const socket = await attempt.connect();
  const { question } = attempt.probing;
  return await attempt.trail.take('answer', async () => {
    const text = dnsState(await askDnsOverTcp(socket, question, attempt.limits), question);
    return { value: text, detail: text };
  });
}
