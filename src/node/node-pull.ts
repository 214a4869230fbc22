/** What a node does for one image: which mirror it takes, whom it asks in which order, with which path, trust and credentials. */
import { defaultHost } from '../oci/host.ts';
import { parseReference, type Reference } from '../oci/reference.ts';
import { configKinds } from '../talos/config-kinds.ts';
import type { NodeConfig } from '../talos/node-config.ts';
import type { NodeEndpoint, NodeMirror } from '../talos/node-mirrors.ts';
import { isSince, printTalosVersion } from '../talos/version.ts';
import { type Asking, type Resolved, stepFor, upstreamStep } from './endpoint.ts';
import { parseGoUrl } from './go-url.ts';
import type { NodePull, Puller, PullStep } from './pull.ts';

/** Where a node serves its own image cache (siderolabs/talos v1.13.9, constants.RegistrydListenAddress). */
export const imageCacheEndpoint = 'http://127.0.0.1:3172';

interface Entry {
  readonly mirror: NodeMirror | undefined;
  readonly reasons: readonly string[];
  /** Why one that stands there does not count. */
  readonly passedOver?: string;
}

/**
 * Pure: nobody is asked. Talos' own pulls by internal/pkg/containers/image/resolver.go, containerd's by the hosts.toml files of
 * internal/pkg/containers/cri/containerd/hosts.go (siderolabs/talos v1.13.9) as containerd v2.2.1 reads them. A step with a
 * `problem` is passed over, and the pull fails there where it is the last. No step at all: the pull fails.
 */
export function nodePull(config: NodeConfig, image: Reference, node: Asking): NodePull {
  const { tag, digest, ...name } = image;
  const asked: Reference = digest === undefined ? (tag === undefined ? image : { ...name, tag }) : { ...name, digest };
  const pull = { config, image: asked, node };
  const dropped = tag !== undefined && digest !== undefined ? [`tag and digest: the tag ${tag} is dropped`] : [];
  const broken = node.puller === 'cri' ? brokenHosts(config, node) : undefined;
  const entry = broken === undefined ? entryFor(pull) : without(`Talos cannot write containerd's files: ${broken}`);
  const cached = broken === undefined ? readable(withImageCache(entry, pull), node) : entry;
  const { steps, reasons } = stepsOf(cached.mirror, pull);
  const passedOver = cached.mirror === undefined && config.mirrors.length > 0 ? cached.passedOver : undefined;
  return {
    image: asked,
    puller: node.puller,
    matched: entry.mirror?.registry,
    steps,
    reasons: [...dropped, ...cached.reasons, ...reasons],
    ...(passedOver !== undefined && { passedOver }),
  };
}

interface Pull {
  readonly config: NodeConfig;
  readonly image: Reference;
  readonly node: Asking;
}

function entryFor({ config, image, node }: Pull): Entry {
  const { registry } = image;
  const any = config.mirrors.find((mirror) => mirror.registry === '*');
  const exact = config.mirrors.find((mirror) => mirror.registry === registry);
  // Before 1.4 an entry without endpoints is as good as none.
  const counts =
    exact !== undefined && (exact.endpoints.length > 0 || node.puller === 'cri' || isSince(node.version, '1.4.0'));
  if (counts) {
    return {
      mirror: exact,
      reasons: [`the mirror of ${registry} is taken${any === undefined ? '' : ', not the one of *'}`],
    };
  }
  if (any === undefined) return { mirror: undefined, reasons: [`no mirror for ${registry}`] };
  if (node.puller === 'talos') return { mirror: any, reasons: [`no mirror for ${registry}: the one of * is taken`] };
  if (!configKinds(node.version).wildcard) {
    return without(`no mirror for ${registry}; containerd sees the one of * from Talos 1.4 on only`);
  }
  if (ownDirectory(config, registry)) {
    return without(
      `TLS settings of ${registry} make Talos write it a file of its own, so containerd does not look at the mirror of *`,
    );
  }
  return { mirror: any, reasons: [`no mirror for ${registry}: the one of * is taken`] };
}

function without(passedOver: string, before: readonly string[] = []): Entry {
  return { mirror: undefined, reasons: [...before, passedOver], passedOver };
}

/** TLS settings with content get a directory of their own in containerd's configuration, and `_default` is read for those without one. */
function ownDirectory(config: NodeConfig, registry: string): boolean {
  const tls = config.tls.get(registry);
  return (
    tls !== undefined &&
    (tls.ca !== undefined || tls.clientCertificate !== undefined || tls.insecureSkipVerify === true)
  );
}

/** Why Talos writes no files at all for containerd: one endpoint it cannot read is enough, whichever registry it is for. */
function brokenHosts(config: NodeConfig, node: Asking): string | undefined {
  for (const mirror of config.mirrors) {
    for (const { url } of mirror.endpoints) {
      const read = parseGoUrl(url);
      if ('refused' in read) return `endpoint ${JSON.stringify(url)} of ${mirror.registry}: ${read.refused}`;
    }
  }
  const hasAny = config.mirrors.some((mirror) => mirror.registry === '*');
  if (!hasAny && ownDirectory(config, '*') && configKinds(node.version).wildcard) {
    return 'wildcard host TLS configuration is not supported';
  }
  return undefined;
}

/** internal/app/machined/pkg/controllers/cri/registries_config.go: the node's own cache is put before every mirror, and a `*` is made for the rest. */
function withImageCache(entry: Entry, { config, image, node }: Pull): Entry {
  if (!config.imageCache || !isSince(node.version, '1.9.0')) return entry;
  if (entry.mirror === undefined && node.puller === 'cri' && ownDirectory(config, image.registry)) return entry;
  const mirror = entry.mirror ?? { registry: '*', endpoints: [], skipFallback: false };
  const endpoints = [{ url: imageCacheEndpoint, overridePath: false }, ...mirror.endpoints];
  return { mirror: { ...mirror, endpoints }, reasons: [...entry.reasons, `the node's image cache is asked first`] };
}

/** containerd passes over a file it cannot read as if there were none. */
function readable(entry: Entry, node: Asking): Entry {
  const fault = entry.mirror === undefined || node.puller === 'talos' ? undefined : hostsFault(entry.mirror, node);
  return fault === undefined ? entry : without(fault, entry.reasons);
}

/**
 * Why containerd cannot read the file of a mirror; undefined: it can. TOML takes no table twice, so no endpoint may stand there
 * twice (k3s-io/k3s#9693); Talos before 1.3 wrote a `[host]` for each endpoint (go-toml v1.9.5 says `duplicated tables`).
 */
export function hostsFault(mirror: NodeMirror, node: Pick<Asking, 'version'>): string | undefined {
  const tables = (skipsFallback(mirror, node) ? mirror.endpoints.slice(0, -1) : mirror.endpoints).map(({ url }) => url);
  if (tables.length > 1 && !isSince(node.version, '1.3.0')) {
    return `containerd cannot read the file that Talos ${printTalosVersion(node.version)} writes for more than one endpoint`;
  }
  const twice = tables.find((url, index) => tables.indexOf(url) !== index);
  return twice === undefined ? undefined : `containerd cannot read its file: endpoint ${twice} stands there twice`;
}

/** It says so, and the release knows what that means. */
export function skipsFallback(mirror: NodeMirror, node: Pick<Asking, 'version'>): boolean {
  return mirror.skipFallback && configKinds(node.version).skipFallback;
}

function stepsOf(mirror: NodeMirror | undefined, pull: Pull): { steps: PullStep[]; reasons: string[] } {
  const reasons: string[] = [];
  const steps: PullStep[] = [];
  const ends = (mirror?.endpoints ?? []).map((endpoint) => stepFor(endpoint, pull));
  const fallback = fallbackOf(mirror, pull);
  const fatal = [...ends, ...(fallback.step === undefined ? [] : [fallback.step])].find((end) => end.isFatal);
  if (fatal !== undefined) {
    return { steps: [fatal.step], reasons: [...about(fatal), 'the pull fails before anybody is asked'] };
  }
  for (const end of ends) {
    steps.push(end.step);
    reasons.push(...about(end));
  }
  if (fallback.step !== undefined) steps.push(fallback.step.step);
  return { steps, reasons: [...reasons, ...fallback.reasons] };
}

function about({ step, reasons }: Resolved): string[] {
  const result =
    step.problem === undefined
      ? `asks ${step.base}${step.ns === undefined ? '' : ` with ?ns=${step.ns}`}`
      : step.problem;
  return [...reasons, result].map((reason) => `endpoint ${step.endpoint}: ${reason}`);
}

/** Whether the registry itself is asked at the end, and why. */
function fallbackOf(
  mirror: NodeMirror | undefined,
  pull: Pull,
): { readonly step: Resolved | undefined; readonly reasons: readonly string[] } {
  const { image, node } = pull;
  const host = defaultHost(image.registry);
  const to = (reason: string) => {
    const step = upstreamStep(pull);
    return { step, reasons: [`${reason}: ${step.step.base} is asked`] };
  };
  if (mirror === undefined) return to('no mirror');
  const knowsSkip = configKinds(node.version).skipFallback;
  if (node.puller === 'cri') {
    if (!knowsSkip || !mirror.skipFallback) return to('containerd falls back to the registry itself');
    if (isHostless(mirror.endpoints.at(-1)))
      return to('containerd takes an endpoint without a host for the registry itself');
    if (mirror.endpoints.length === 0) return to('skipFallback has no effect on containerd without endpoints');
    return { step: undefined, reasons: [`skipFallback: ${host} is not asked`] };
  }
  if (!knowsSkip) {
    const version = printTalosVersion(node.version);
    return { step: undefined, reasons: [`Talos ${version} asks no registry itself that has a mirror: not ${host}`] };
  }
  if (!mirror.skipFallback) return to('no skipFallback, so the registry itself is asked last');
  if (mirror.endpoints.length > 0) return { step: undefined, reasons: [`skipFallback: ${host} is not asked`] };
  return { step: undefined, reasons: ['skipFallback without endpoints: nobody is asked, and the pull fails'] };
}

/** containerd puts the registry's own host where its `server` has none (core/remotes/docker/config/hosts.go, ConfigureHosts). */
function isHostless(endpoint: NodeEndpoint | undefined): boolean {
  const url = endpoint?.url.startsWith('http') === true ? parseGoUrl(endpoint.url) : undefined;
  return endpoint?.url === '' || (url !== undefined && !('refused' in url) && url.host === '');
}

/**
 * Who pulls an image: Talos the installer, kubelet and etcd (by their names, or named by the configuration for them), containerd
 * what runs in pods.
 */
export function pullersOf(image: Reference, config: NodeConfig): readonly Puller[] {
  const last = /(?:^|\/)(?:kubelet|etcd|(?:[a-z0-9-]+-)?installer(?:-secureboot)?(?:\/[0-9a-f]{64})?)$/;
  if (last.test(image.repository)) return ['talos'];
  const own =
    /^(?:machine\.install\.|machine\.kubelet\.image$|cluster\.etcd\.image$|KubeletConfig\b|UnattendedInstall)/;
  const named = config.images.filter(({ path }) => own.test(path)).map((configured) => configured.image);
  return named.some((text) => isSameRepository(text, image)) ? ['talos'] : ['cri'];
}

function isSameRepository(text: string, image: Reference): boolean {
  try {
    const read = parseReference(text);
    return read.registry === image.registry && read.repository === image.repository;
  } catch {
    return false;
  }
}

/** With `?ns=` where the node sends it. */
export function manifestUrlAt(step: PullStep, repository: string, tagOrDigest: string): string {
  return `${step.base}/${repository}/manifests/${tagOrDigest}${query(step)}`;
}

/** With `?ns=` where the node sends it. */
export function blobUrlAt(step: PullStep, repository: string, digest: string): string {
  return `${step.base}/${repository}/blobs/${digest}${query(step)}`;
}

/** With `?ns=` where the node sends it. */
export function referrersUrlAt(step: PullStep, repository: string, digest: string): string {
  return `${step.base}/${repository}/referrers/${digest}${query(step)}`;
}

/** Escaped as Go's url.Values does. */
function query(step: PullStep): string {
  return step.ns === undefined ? '' : `?${new URLSearchParams({ ns: step.ns })}`;
}
