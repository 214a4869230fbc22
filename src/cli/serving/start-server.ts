/** Brings a server up: certificate, users, socket, page, the configuration for the nodes. */
import { AirgapError, isAirgapError } from '../../errors.ts';
import { accessLogJson, accessLogText } from '../../serve/access-log.ts';
import { openHtpasswd } from '../../serve/htpasswd.ts';
import { type RunningServer, type ServeOptions, serveStore } from '../../serve/open.ts';
import { registryPage } from '../../serve/page/page.ts';
import { isLoopbackHost } from '../../store/registry/private-address.ts';
import type { Context } from '../context.ts';
import { programVersion } from '../executable.ts';
import { unreachableText } from '../placing.ts';
import { counted, printable } from '../report/text.ts';
import {
  certificateNames,
  isEveryAddress,
  isLocalAddress,
  type Listening,
  localUrl,
  machineAddresses,
  outwardUrls,
} from './addresses.ts';
import { type Patch, serverPatch, writePatch } from './patch-file.ts';
import type { ServeSettings } from './serve-settings.ts';
import type { ServingFacts } from './serve-text.ts';
import { countServed, type ServedCount, type ServedPlace } from './served-place.ts';
import { openTls, type TlsSource } from './tls-source.ts';

/** At the end, answers under way get this long: a node would have to fetch a layer again. */
const graceMs = 30_000;

export interface StartedServer {
  readonly facts: ServingFacts;
  /** Lets answers end, then closes. The store stays open. */
  close(): Promise<void>;
}

/** Throws ERR_USAGE for an address that cannot be listened on, and what the certificate or the users are refused with. */
export async function startServer(
  settings: ServeSettings,
  { place, context }: { readonly place: ServedPlace; readonly context: Context },
): Promise<StartedServer> {
  const warn = (text: string): void => {
    if (!settings.quiet) context.stderr.write(`warning: ${printable(text)}\n`);
  };
  const addresses = machineAddresses();
  const { host } = settings.listen;
  const more = settings.tls.kind === 'self-signed' ? settings.tls.names : [];
  const names = certificateNames({ host }, { addresses, endpoint: settings.endpoint, more });
  const { htpasswdFile: users, anonymousRead } = settings;
  const access = users === undefined ? undefined : await openHtpasswd(users, { anonymousRead, onWarning: warn });
  // Last of what can be refused, as it may write a directory.
  const tls = await openTls(settings.tls, { names, cwd: settings.cwd });
  const count = await countServed(place.store);
  const page: { answer?: ServeOptions['page'] } = {};
  const server = await listenOn(place, settings, {
    ...(tls === undefined ? {} : { tls: tls.first }),
    ...(access === undefined ? {} : { access }),
    ...logging(settings, context),
    onProblem: ({ message }) => warn(message),
    onTrouble: warn,
    page: async (exchange, library) => page.answer?.(exchange, library),
    version: programVersion(),
    graceMs,
  });
  const listening: Listening = { host, port: server.port, scheme: tls === undefined ? 'http' : 'https' };
  const reached = outwardUrls(listening, addresses);
  const endpoints = settings.endpoint === undefined ? reached : [settings.endpoint];
  const wanted = { settings, place, count, tls, endpoints };
  const patch = patchFor(wanted);
  page.answer = pageFor(wanted, { patch: patch.made, local: localUrl(listening) });
  const saved = await savePatch(settings, patch.made);
  const timer = tls === undefined ? undefined : renewing(server, tls, warn);
  const own = isEveryAddress(host) || reached.length === 0 ? [localUrl(listening)] : [];
  const warnings = [...warningsFor(wanted), ...patch.warnings, ...saved.warnings];
  for (const warning of warnings) warn(warning);
  const facts: ServingFacts = {
    ...{ place, count, endpoints, warnings, cwd: settings.cwd, port: server.port, writable: settings.writable },
    urls: [...reached, ...own],
    access: users === undefined ? 'everybody' : anonymousRead ? 'users write' : 'users',
    tls: tlsFacts(tls),
    patch: saved.patch,
  };
  return {
    facts,
    close: async () => {
      clearInterval(timer);
      const { inFlight } = server.statistics();
      if (inFlight > 0 && !settings.quiet)
        context.stderr.write(`letting ${counted(inFlight, 'answer')} end; Ctrl-C again cuts\n`);
      await server.close();
    },
  };
}

interface Wanted {
  readonly settings: ServeSettings;
  readonly place: ServedPlace;
  readonly count: ServedCount | undefined;
  readonly tls: TlsSource | undefined;
  readonly endpoints: readonly string[];
}

function logging({ log }: ServeSettings, context: Context): Pick<ServeOptions, 'onRequest'> {
  if (log === undefined) return {};
  const print = log === 'json' ? accessLogJson : accessLogText;
  return { onRequest: (request) => void context.stderr.write(`${print(request)}\n`) };
}

/** Every address: over IPv6 and IPv4 where the machine has both. */
async function listenOn(place: ServedPlace, settings: ServeSettings, options: ServeOptions): Promise<RunningServer> {
  const { host, port } = settings.listen;
  const at = (address: string) => {
    return serveStore(place.store, { ...options, writable: settings.writable, listen: { host: address, port } });
  };
  try {
    return await at(host ?? '::');
  } catch (error) {
    if (!isAirgapError(error)) throw error;
    const cause = error.cause instanceof Error && 'code' in error.cause ? String(error.cause.code) : '';
    if (host === undefined && (cause === 'EAFNOSUPPORT' || cause === 'EADDRNOTAVAIL')) return at('0.0.0.0');
    const hints: Record<string, string> = {
      EADDRINUSE: 'choose another with --listen, for example --listen :6001',
      EADDRNOTAVAIL: '--listen :6000 takes every address it has',
      EACCES: 'ports below 1024 need rights; choose one above, for example --listen :6000',
    };
    const hint = hints[cause];
    throw new AirgapError('ERR_USAGE', error.message, { cause: error, ...(hint === undefined ? {} : { hint }) });
  }
}

/** Nothing for nodes that cannot reach it. What a release cannot express is a warning: the server runs without. */
function patchFor(wanted: Wanted): { readonly made: Patch | undefined; readonly warnings: readonly string[] } {
  const { settings, place, count, tls, endpoints } = wanted;
  if (endpoints.length === 0) return { made: undefined, warnings: [] };
  const patch = {
    ...{ endpoints, registries: count?.registries ?? [], asked: settings.talos, ofContent: place.talos },
    catalogue: settings.catalogue,
    authority: tls?.authority?.pem,
    needsUser: settings.htpasswdFile !== undefined && !settings.anonymousRead,
  };
  try {
    return { made: serverPatch(patch, settings.patchFile ?? 'patch.yaml'), warnings: [] };
  } catch (error) {
    if (!isAirgapError(error)) throw error;
    return { made: undefined, warnings: [error.message] };
  }
}

async function savePatch(
  { patchFile }: ServeSettings,
  made: Patch | undefined,
): Promise<{ readonly patch: ServingFacts['patch']; readonly warnings: readonly string[] }> {
  if (made === undefined || patchFile === undefined) return { patch: undefined, warnings: [] };
  const failed = await writePatch(patchFile, made.text);
  if (failed === undefined) return { patch: { file: patchFile, talos: made.talos }, warnings: [] };
  return {
    patch: undefined,
    warnings: [`${failed}; --patch FILE writes the Talos configuration elsewhere, and the page shows it`],
  };
}

function pageFor(
  { settings, place, tls, endpoints }: Wanted,
  shown: { readonly patch: Patch | undefined; readonly local: string },
): ServeOptions['page'] {
  return registryPage({
    place: place.name,
    endpoint: endpoints[0] ?? shown.local,
    talosPatch: shown.patch === undefined ? undefined : { version: shown.patch.talos, text: shown.patch.text },
    writable: settings.writable,
    tls: tls === undefined ? 'none' : tls.authority === undefined ? 'given' : 'self-signed',
    caPem: tls?.authority?.pem,
    version: programVersion(),
  });
}

/** A certificate that cannot be used leaves the one before in place. */
function renewing(server: RunningServer, tls: TlsSource, warn: (text: string) => void): NodeJS.Timeout {
  const renew = async (): Promise<void> => {
    try {
      const fresh = await tls.renewed();
      if (fresh !== undefined) server.renewCertificate(fresh);
    } catch (error) {
      warn(`${error instanceof Error ? error.message : String(error)}; the certificate before stays`);
    }
  };
  return setInterval(() => void renew(), tls.everyMs).unref();
}

/** What is allowed, and rarely what was meant. */
function warningsFor({ settings, place, tls, endpoints }: Wanted): string[] {
  const { htpasswdFile, anonymousRead, writable, listen, endpoint } = settings;
  const isLocal = isLocalAddress(listen.host);
  const warnings = [...place.warnings, ...(tls?.warnings ?? [])];
  if (htpasswdFile !== undefined && tls === undefined && !isLocal)
    warnings.push('passwords cross the network in the clear: add --self-signed, or --tls-cert and --tls-key');
  if (anonymousRead && !writable)
    warnings.push('nothing is guarded: reading needs no user, and nothing can be written');
  if (writable && htpasswdFile === undefined && !isLocal)
    warnings.push('whoever reaches this address may write and delete: --htpasswd asks for a user');
  if (endpoint?.startsWith('http:') === true && tls !== undefined)
    warnings.push(`nodes would ask ${endpoint} without TLS, and this server answers with TLS alone`);
  const own = endpoints.find((url) => isLoopbackHost(new URL(url).host));
  if (own !== undefined) warnings.push(unreachableText(own));
  return warnings;
}

function tlsFacts(tls: TlsSource | undefined): ServingFacts['tls'] {
  if (tls === undefined) return undefined;
  return { until: tls.until, authorityFile: tls.authority?.file, isNewAuthority: tls.authority?.isNew ?? false };
}
