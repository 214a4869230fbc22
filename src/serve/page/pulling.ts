/** How an image is pulled from here: commands to copy into a shell. */
import type { Names } from '../names.ts';
import type { PageFacts } from './facts.ts';
import type { ListedImage } from './inventory.ts';

export interface PullCommand {
  readonly tool: string;
  readonly command: string;
}

export interface Pulling {
  readonly commands: readonly PullCommand[];
  /** The path of its manifest here. */
  readonly manifestPath: string;
  /** What a containerd mirror asks; undefined for an image without an upstream registry. */
  readonly mirrorPath: string | undefined;
}

/** Undefined for a name that no tool could ask for: it must not get near a shell either. */
export function pullingOf(
  image: ListedImage,
  here: { readonly facts: PageFacts; readonly names: Names },
): Pulling | undefined {
  const { name, reference } = image;
  const asked = image.tag ?? image.image?.digest;
  const wire = here.names.onWire(name);
  if (asked === undefined || !isPlain(reference) || !isPlain(wire)) return undefined;
  const suffix = image.tag === undefined ? `@${asked}` : `:${asked}`;
  const isUpstream = wire !== name.repository;
  const through = isUpstream
    ? [
        { tool: 'Talos', command: `talosctl image pull ${reference}` },
        { tool: 'crictl', command: `crictl pull ${reference}` },
      ]
    : [];
  const ns = `?ns=${encodeURIComponent(name.registry)}`;
  return {
    commands: [...through, ...direct(`${hostOf(here.facts.endpoint)}/${wire}${suffix}`, here.facts.tls)],
    manifestPath: `/v2/${wire}/manifests/${asked}`,
    mirrorPath: isUpstream ? `/v2/${name.repository}/manifests/${asked}${ns}` : undefined,
  };
}

/** From any machine that reaches the endpoint, with the flags its kind of TLS needs. */
function direct(reference: string, tls: PageFacts['tls']): PullCommand[] {
  const ctr = { none: ' --plain-http', 'self-signed': ' --tlscacert airgap-ca.crt', given: '' }[tls];
  const skopeo = { none: ' --src-tls-verify=false', 'self-signed': ' --src-cert-dir airgap-ca', given: '' }[tls];
  return [
    { tool: 'ctr', command: `ctr -n k8s.io images pull${ctr} ${reference}` },
    { tool: 'docker', command: `docker pull ${reference}` },
    { tool: 'skopeo', command: `skopeo copy${skopeo} docker://${reference} oci:image` },
  ];
}

/** Nothing a shell would read as more than a word. */
function isPlain(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._:@/[\]-]*$/.test(text);
}

/** `10.5.0.1:6000`. */
export function hostOf(endpoint: string): string {
  return endpoint.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
}
