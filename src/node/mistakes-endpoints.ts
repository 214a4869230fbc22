/** Mistakes in an endpoint's URL: its scheme and its path. */
import { quoteText } from '../oci/quote.ts';
import type { NodeEndpoint } from '../talos/node-mirrors.ts';
import { isSince, printTalosVersion } from '../talos/version.ts';
import type { Diagnosing, Diagnosis } from './diagnose.ts';
import { overridesPath } from './endpoint.ts';
import { cleanPath, parseGoUrl } from './go-url.ts';

/** All mistakes of this file. */
export function endpointMistakes(diagnosing: Diagnosing): Diagnosis[] {
  const { config } = diagnosing;
  return config.mirrors.flatMap(({ registry, endpoints }) =>
    endpoints.flatMap((endpoint, index) => {
      const origin = config.origins.get(`endpoint ${registry} ${index}`);
      const found = schemeMistake(endpoint, diagnosing) ?? pathMistake(endpoint, diagnosing);
      const users = config.origins.has(`user ${registry} ${index}`) ? [userMistake(endpoint)] : [];
      return [...users, ...(found === undefined ? [] : [found])].map((one) => ({ ...one, origin }));
    }),
  );
}

/** Neither Talos nor containerd takes more of the authority than its host. */
function userMistake({ url }: NodeEndpoint): Diagnosis {
  const read = parseGoUrl(url);
  const host = 'refused' in read || read.host === '' ? 'its host' : quoteText(read.host);
  return {
    code: 'credentials-in-url',
    severity: 'error',
    message: `endpoint ${quoteText(url)} is written with a user name in its URL, which nodes do not send`,
    hint: `write user name and password under ${host}, in a RegistryAuthConfig or below machine.registries.config`,
  };
}

function schemeMistake({ url }: NodeEndpoint, { config }: Diagnosing): Diagnosis | undefined {
  const read = parseGoUrl(url);
  const severity = 'error';
  if (!url.includes('://')) {
    const rest = url.replace(/^\/+/, '');
    const why =
      'refused' in read
        ? read.refused
        : read.scheme === ''
          ? 'missing protocol scheme'
          : `unsupported protocol scheme "${read.scheme}"`;
    const effect = 'refused' in read ? 'no image of any registry comes from a mirror' : 'Talos cannot ask it';
    const message = `endpoint ${quoteText(url)} has no scheme: ${effect} (${why})`;
    const scheme = config.tls.has(rest.split('/')[0] ?? '') ? 'https' : 'http';
    const other = scheme === 'https' ? '' : `, or ${quoteText(`https://${rest}`)}`;
    return { code: 'missing-scheme', severity, message, hint: `write ${quoteText(`${scheme}://${rest}`)}${other}` };
  }
  const why = 'refused' in read ? read.refused : badScheme(read);
  if (why === undefined) return undefined;
  const message = `endpoint ${quoteText(url)} cannot be asked: ${why}`;
  return { code: 'bad-endpoint', severity, message, hint: 'write http://HOST[:PORT] or https://HOST[:PORT]' };
}

function badScheme({ scheme, host }: { readonly scheme: string; readonly host: string }): string | undefined {
  if (scheme !== 'http' && scheme !== 'https') return `unsupported protocol scheme "${scheme}"`;
  return host === '' ? 'no host in it' : undefined;
}

function pathMistake(endpoint: NodeEndpoint, { version }: Diagnosing): Diagnosis | undefined {
  const { url } = endpoint;
  const read = parseGoUrl(url);
  if ('refused' in read) return undefined;
  const origin = `${read.scheme}://${read.host}`;
  const path = read.path === '' ? '/' : cleanPath(read.path);
  const segments = path.split('/').filter((segment) => segment !== '');
  const prefix = segments.filter((segment) => segment !== 'v2').join('/');
  if (!isSince(version, '1.4.0'))
    return olderPathMistake(endpoint, { release: printTalosVersion(version), path: read.path });
  const whole = `${origin}/v2${prefix === '' ? '' : `/${prefix}`}`;
  const hint =
    prefix === ''
      ? `write ${quoteText(origin)} without overridePath`
      : `write ${quoteText(whole)} with "overridePath: true"`;
  if (overridesPath(endpoint, { version })) {
    if (segments.filter((segment) => segment === 'v2').length > 1) {
      const twice = `endpoint ${quoteText(url)} has "/v2" twice in its path: nodes ask "${origin}${path}/REPOSITORY/manifests/TAG"`;
      // A project may have that name.
      return { code: 'double-v2', severity: 'warning', message: twice, hint };
    }
    if (segments.includes('v2')) return undefined;
    const message = `endpoint ${quoteText(url)} has overridePath and no "/v2" in its path: nodes ask "${origin}${path === '/' ? '' : path}/REPOSITORY/manifests/TAG"`;
    return { code: 'override-without-v2', severity: 'error', message, hint };
  }
  if (path === '/' || path === '/v2') return undefined;
  const asked = path.endsWith('/v2') ? path : `${path}/v2`;
  const isDouble = asked.split('/').filter((segment) => segment === 'v2').length > 1;
  const message = `endpoint ${quoteText(url)} has a path and no overridePath: nodes ask "${origin}${asked}/REPOSITORY/manifests/TAG"`;
  if (isDouble) return { code: 'double-v2', severity: 'error', message, hint };
  return { code: 'prefix-without-override', severity: 'warning', message, hint };
}

/** Before 1.4 only `/v2` or no path mean the same to Talos and to containerd (siderolabs/talos#6577). */
function olderPathMistake(
  { url }: NodeEndpoint,
  { release, path }: { readonly release: string; readonly path: string },
): Diagnosis | undefined {
  if (path === '' || cleanPath(path) === '/v2') return undefined;
  return {
    code: 'path-before-1.4',
    severity: 'error',
    message: `endpoint ${quoteText(url)} has a path: Talos ${release} takes it as written for its own pulls, and containerd puts "/v2" after it`,
    hint: `write ${quoteText(url.replace(/^([a-z]+:\/\/[^/]*).*$/is, '$1'))}: paths work from v1.4.0 on`,
  };
}
