/** `omni`: the Talos configuration as a resource of Omni, for `omnictl apply`. */
import { Document, Scalar } from 'yaml';
import { printTalosVersion } from '../../talos/version.ts';
import type { EmittedFile } from '../emitted.ts';
import { type FormatInput, type FormatOutput, formatOutput } from './format.ts';
import { hasSecrets } from './left-out.ts';

/** Documents Omni refuses in a patch, because it writes them by itself (siderolabs/omni, client/pkg/omni/resources/omni/config_patch.go). */
const refusedKinds = ['UnattendedInstallConfig', 'DiscoveryIdentityConfig'];

/**
 * `omni.yaml`: one ConfigPatches resource with every Talos document in `spec.data`, for all machines of a cluster. Documents that
 * Omni refuses are left out, with a warning. Form: siderolabs/omni, client/pkg/omni/resources/omni/config_patch.go.
 */
export function omniPatch(input: FormatInput): FormatOutput {
  const documents = input.talos.flatMap(documentsOf);
  const kept = documents.filter((text) => refusedKind(text) === undefined);
  const refused = [...new Set(documents.map(refusedKind).filter((kind) => kind !== undefined))];
  return formatOutput({
    files: [{ path: 'omni.yaml', text: `${header(input).join('\n')}\n${resource(input.cluster, kept.join('---\n'))}` }],
    warnings: [
      ...refused.map(
        (kind) => `Omni refuses ${kind} in a patch, so it is left out: Omni chooses disk and installer by itself`,
      ),
      input.settings.installImage !== undefined && refused.length === 0
        ? 'Omni sets the install image by itself: give it the registry with --talos-installer-registry or the factory with --primary-factory-url'
        : undefined,
      input.settings.discovery !== undefined
        ? 'Omni runs a discovery service of its own, and may not heed what this patch says of one'
        : undefined,
      input.cluster === undefined
        ? 'omni.yaml is of no cluster, so Omni gives it to no machine: name the cluster with --cluster, or write its label into the file'
        : undefined,
      hasSecrets(input.settings)
        ? 'omni.yaml has no credentials and no private keys: add the documents of the file with the secrets to spec.data'
        : undefined,
    ],
  });
}

function header({ version, cluster }: FormatInput): string[] {
  return [
    `# Configuration of nodes with Talos ${printTalosVersion(version)}, written by airgap.`,
    '# omnictl apply -f omni.yaml',
    ...(cluster === undefined
      ? ['# Omni gives it to the machines of a cluster:  labels: { omni.sidero.dev/cluster: NAME }']
      : []),
  ];
}

function resource(cluster: string | undefined, patch: string): string {
  const data = new Scalar(patch);
  data.type = Scalar.BLOCK_LITERAL;
  const labels = cluster === undefined ? {} : { labels: { 'omni.sidero.dev/cluster': cluster } };
  const id = cluster === undefined ? '500-airgap' : `500-airgap-${cluster}`;
  const content = {
    metadata: { namespace: 'default', type: 'ConfigPatches.omni.sidero.dev', id, ...labels },
    spec: { data },
  };
  return new Document(content).toString({ lineWidth: 0 });
}

/**
 * The documents of a file, each ending with a line feed; what stands before the first `---` is one. Without the head of the file, which
 * says how talosctl applies it.
 */
function documentsOf(file: EmittedFile): string[] {
  const body = file.text.replace(/^(?:#.*\n)+\n/, '');
  return body.split(/^---\n/m).filter((text) => /^[^#\s]/m.test(text));
}

function refusedKind(document: string): string | undefined {
  const kind = /^kind: *(\S+)/m.exec(document)?.[1];
  return kind !== undefined && refusedKinds.includes(kind) ? kind : undefined;
}
