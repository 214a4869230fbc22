/** Mirrors, TLS settings and credentials, in both forms: `machine.registries` and documents, which replace an entry of the same name. */
import type { Origin } from '../errors.ts';
import { quoteText } from '../oci/quote.ts';
import type { EndpointAuth, EndpointTls, NodeConfig } from '../talos/node-config.ts';
import type { NodeMirror } from '../talos/node-mirrors.ts';
import type { ConfigDocument } from './documents.ts';
import { at, flagOf, isEmpty, listing, mapping, textOf } from './fields.ts';
import { type ConfigNode, invalid } from './tree.ts';

type Origins = Map<string, Origin>;
type Registries = Pick<NodeConfig, 'mirrors' | 'tls' | 'auth'>;

/** siderolabs/talos v1.13.9, pkg/machinery/config/container/container.go: RegistryMirrorConfigs and its kin. Throws ERR_INPUT_INVALID. */
export function readRegistries(documents: readonly ConfigDocument[], origins: Origins): Registries {
  const mirrors = new Map<string, NodeMirror>();
  const tls = new Map<string, EndpointTls>();
  const auth = new Map<string, EndpointAuth>();
  const base = documents.find(({ kind }) => kind === '')?.root;
  for (const [registry, node] of entriesOf(base, 'mirrors')) {
    mirrors.set(registry, readMirror(node, { registry, origins, readEndpoint: readPlainEndpoint }));
  }
  for (const [host, node] of entriesOf(base, 'config')) {
    const tlsNode = at(node, 'tls');
    const authNode = at(node, 'auth');
    if (tlsNode !== undefined) tls.set(host, readTls(tlsNode, { host, origins, form: 'base64' }));
    if (authNode !== undefined) auth.set(host, readAuth(authNode, { host, origins }));
  }
  for (const { kind, name, root } of documents) {
    if (kind === 'RegistryMirrorConfig') {
      mirrors.set(name, readMirror(root, { registry: name, origins, readEndpoint: readDocumentEndpoint }));
    } else if (kind === 'RegistryTLSConfig') tls.set(name, readTls(root, { host: name, origins, form: 'plain' }));
    else if (kind === 'RegistryAuthConfig') auth.set(name, readAuth(root, { host: name, origins }));
    else continue;
    if (name === '') throw invalid(root.origin, `${kind}: name must be specified`);
  }
  const sorted = [...mirrors.values()].sort((a, b) => (a.registry < b.registry ? -1 : 1));
  return { mirrors: sorted, tls, auth };
}

function entriesOf(base: ConfigNode | undefined, section: 'mirrors' | 'config'): [string, ConfigNode][] {
  const where = `machine.registries.${section}`;
  const entries = [...(mapping(at(base, 'machine', 'registries', section), where)?.entries ?? [])];
  for (const [name, node] of entries) {
    if (isEmpty(node)) throw invalid(node.origin, `registries.${section}[${quoteText(name)}] is null`);
    mapping(node, `${where}.${name}`);
  }
  return entries;
}

interface Mirroring {
  readonly registry: string;
  readonly origins: Origins;
  readonly readEndpoint: (node: ConfigNode, overridePath: boolean) => { url: string; overridePath: boolean };
}

function readMirror(node: ConfigNode, mirroring: Mirroring): NodeMirror {
  const { registry, origins } = mirroring;
  origins.set(`mirror ${registry}`, node.origin);
  dropOrigins(origins, `endpoint ${registry} `);
  dropOrigins(origins, `user ${registry} `);
  const override = flagOf(at(node, 'overridePath'), 'overridePath') ?? false;
  const endpoints = listing(at(node, 'endpoints'), 'endpoints').map((item, index) => {
    origins.set(`endpoint ${registry} ${index}`, item.origin);
    const endpoint = mirroring.readEndpoint(item, override);
    const url = endpoint.url.replace(/^([a-z][a-z0-9+.-]*:)?\/\/[^/?#]*@/i, '$1//');
    // Nodes do not send it, and it is not for anybody's eyes.
    if (url !== endpoint.url) origins.set(`user ${registry} ${index}`, item.origin);
    return { ...endpoint, url };
  });
  const skip = at(node, 'skipFallback');
  return { registry, endpoints, skipFallback: flagOf(skip, 'skipFallback') ?? false };
}

/** A document that replaces an entry has its own endpoints. */
function dropOrigins(origins: Origins, prefix: string): void {
  for (const key of origins.keys()) if (key.startsWith(prefix)) origins.delete(key);
}

function readPlainEndpoint(node: ConfigNode, overridePath: boolean): { url: string; overridePath: boolean } {
  if (node.kind === 'map')
    throw invalid(
      node.origin,
      'an endpoint below machine.registries is no text',
      'write its URL alone, without "url:"',
    );
  return { url: textOf(node, 'endpoints[]') ?? '', overridePath };
}

function readDocumentEndpoint(node: ConfigNode): { url: string; overridePath: boolean } {
  if (node.kind !== 'map')
    throw invalid(node.origin, 'an endpoint of a RegistryMirrorConfig is no mapping', 'write it as "- url: URL"');
  const url = textOf(at(node, 'url'), 'url');
  if (url === undefined || url === '') throw invalid(node.origin, 'endpoints[].url must be specified');
  // Talos keeps it as a URL and prints it again.
  const printed = url.replace(/^[a-z][a-z0-9+.-]*:/i, (scheme) => scheme.toLowerCase());
  return { url: printed, overridePath: flagOf(at(node, 'overridePath'), 'overridePath') ?? false };
}

function readTls(
  node: ConfigNode,
  place: { readonly host: string; readonly origins: Origins; readonly form: 'base64' | 'plain' },
): EndpointTls {
  place.origins.set(`tls ${place.host}`, node.origin);
  const pem = (value: ConfigNode | undefined, where: string) => {
    const text = textOf(value, where);
    if (text === undefined || text === '' || value === undefined) return undefined;
    return place.form === 'plain' ? text : decoded(text, value.origin);
  };
  const identity = at(node, 'clientIdentity');
  const certificate = place.form === 'plain' ? 'cert' : 'crt';
  return {
    ca: pem(at(node, 'ca'), 'ca'),
    clientCertificate: pem(at(identity, certificate), `clientIdentity.${certificate}`),
    clientKey: pem(at(identity, 'key'), 'clientIdentity.key'),
    insecureSkipVerify: flagOf(at(node, 'insecureSkipVerify'), 'insecureSkipVerify'),
  };
}

function decoded(text: string, origin: Origin): string {
  const compact = text.replace(/[\r\n]/g, '');
  if (compact.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(compact)) {
    const hint = 'machine.registries takes PEM in base64; documents take it as it is';
    throw invalid(origin, 'illegal base64 data', hint);
  }
  return Buffer.from(compact, 'base64').toString('utf8');
}

function readAuth(node: ConfigNode, place: { readonly host: string; readonly origins: Origins }): EndpointAuth {
  place.origins.set(`auth ${place.host}`, node.origin);
  return {
    username: textOf(at(node, 'username'), 'username'),
    password: textOf(at(node, 'password'), 'password'),
    auth: textOf(at(node, 'auth'), 'auth'),
    identityToken: textOf(at(node, 'identityToken'), 'identityToken'),
  };
}
