/** Where upstream registries are read: at home, or at the endpoint that was given instead. */
import { AirgapError } from '../../errors.ts';
import { defaultHost } from '../../oci/host.ts';
import { quoteText } from '../../oci/quote.ts';
import { normaliseRegistry } from '../../oci/reference.ts';
import { parseLocation } from '../location.ts';
import { isLoopbackHost } from './private-address.ts';
import { probeScheme, type SchemeOptions } from './scheme.ts';

/** Registry `registry`, or any when it is `*`, is read at `base`. */
export interface SourceEndpoint {
  readonly registry: string;
  readonly base: URL;
}

/** Reads `ghcr.io=http://127.0.0.1:5601/prefix` or `*=https://cache.example`. The scheme must be written. Throws ERR_USAGE. */
export function parseSourceEndpoint(text: string): SourceEndpoint {
  const equals = text.indexOf('=');
  const name = text.slice(0, Math.max(equals, 0)).trim();
  if (name === '') {
    throw new AirgapError('ERR_USAGE', 'Cannot use source endpoint: it is not REGISTRY=URL', {
      hint: 'write it as ghcr.io=http://127.0.0.1:5601/prefix, or with * for every registry',
    });
  }
  const location = parseLocation(text.slice(equals + 1));
  if (location.kind === 'registry' && location.scheme !== undefined) {
    const base = new URL(`${location.scheme}://${location.host}/${location.prefix}`);
    return { registry: name === '*' ? name : normaliseRegistry(name), base };
  }
  throw new AirgapError('ERR_USAGE', `Cannot use source endpoint for ${quoteText(name)}: its URL has no scheme`, {
    hint: 'begin it with http:// or https://',
  });
}

/**
 * For openRegistry(): the endpoint given for exactly this registry, else the one for `*`, else the registry itself over https.
 * Docker Hub is at registry-1.docker.io; a registry on loopback is asked which scheme it speaks.
 */
export function sourceEndpoints(
  given: readonly SourceEndpoint[],
  options: SchemeOptions,
): (registry: string) => URL | Promise<URL> {
  return (registry) => {
    const own = endpointFor(given, registry);
    if (own !== undefined) return own.base;
    return isLoopbackHost(registry) ? probeScheme(registry, options) : new URL(`https://${defaultHost(registry)}`);
  };
}

/** For openRegistry(): whether this registry is read at an endpoint that was given, and that is not its own host. */
export function readElsewhere(given: readonly SourceEndpoint[]): (registry: string) => boolean {
  return (registry) => {
    const host = endpointFor(given, registry)?.base.host;
    return host !== undefined && host !== registry;
  };
}

function endpointFor(given: readonly SourceEndpoint[], registry: string): SourceEndpoint | undefined {
  return given.find((entry) => entry.registry === registry) ?? given.find((entry) => entry.registry === '*');
}
