/** The whole configuration that lets Talos nodes live without internet: one patch, or one for each matter, and its secrets apart. */

import { configKinds } from '../talos/config-kinds.ts';
import type { NodeMirror } from '../talos/node-mirrors.ts';
import { printTalosVersion } from '../talos/version.ts';
import type { EmittedFile } from './emitted.ts';
import type { NodeSettings } from './node-settings.ts';
import {
  imageCachePart,
  installPart,
  installWarnings,
  pausePart,
  verificationPart,
  verificationWarnings,
} from './talos/images.ts';
import { nodeMirrorsOf, type TalosMirrorOptions } from './talos/mirrors.ts';
import { discoveryPart, hostsPart, nameserverPart, timePart } from './talos/network.ts';
import type { Matter, Part } from './talos/part.ts';
import { commentOf, printParts } from './talos/print.ts';
import {
  authPart,
  checkedTls,
  clientPart,
  mirrorPart,
  plainCredentialHosts,
  trustedRootsPart,
  trustPart,
} from './talos/registries.ts';

export interface TalosConfigOptions extends TalosMirrorOptions {
  /** What else the nodes are told. Default: nothing. */
  readonly settings?: NodeSettings | undefined;
  /** PEM of the authority that vouches for the endpoints with https. Default: one the nodes know already. */
  readonly authority?: string | undefined;
  /** One file for each matter: `talos-registries.yaml`, `talos-time.yaml`, … Default: all in `talos-patch.yaml`. */
  readonly split?: boolean | undefined;
}

export interface TalosConfigFiles {
  readonly files: EmittedFile[];
  /** At most one, `talos-secrets.yaml`: credentials and keys, for a file with mode 0600 that was asked for. */
  readonly secrets: EmittedFile[];
  /** What cannot work as it was asked for, one line each. */
  readonly warnings: string[];
}

/** Names of the emitted files. */
export const talosPatchPath = 'talos-patch.yaml';
export const talosSecretsPath = 'talos-secrets.yaml';

const order: readonly Matter[] = ['registries', 'time', 'network', 'discovery', 'install', 'images'];

/**
 * Each file works both as `--patch @FILE` and as `--config-patch @FILE`: exactly the keys the release knows, each part with a comment.
 * Documents from Talos 1.12 on, before a patch of the v1alpha1 configuration; `form` forces one. The same input gives the same
 * bytes. Throws as nodeMirrorsOf(), ERR_USAGE for settings that do not go together and ERR_UNSUPPORTED, naming the first release
 * that can, for those the release does not know.
 */
export function emitTalosConfig(options: TalosConfigOptions): TalosConfigFiles {
  const { settings = {}, version } = options;
  const mirrors = nodeMirrorsOf(options);
  const tls = checkedTls(mirrors, { settings, authority: options.authority });
  const parts = publicParts(options, { mirrors, tls });
  const secret = [...clientPart(tls, options), ...authPart(settings.auth ?? new Map(), options)];
  const plain = plainCredentialHosts(mirrors, settings).map((host) => `credentials for ${host} cross plain HTTP`);
  return {
    files: options.split === true ? splitFiles(parts, options) : [fileOf(talosPatchPath, { parts, options })],
    secrets: secret.length === 0 ? [] : [secretsFile(secret, options)],
    warnings: [...plain, ...installWarnings(settings, options), ...verificationWarnings(settings, version)],
  };
}

function publicParts(
  options: TalosConfigOptions,
  registries: { readonly mirrors: readonly NodeMirror[]; readonly tls: Parameters<typeof trustPart>[0] },
): Part[] {
  const { settings = {} } = options;
  return [
    mirrorPart(registries.mirrors, options),
    ...trustPart(registries.tls, options),
    ...trustedRootsPart(settings.trustedRoots ?? [], options),
    ...timePart(settings, options),
    ...nameserverPart(settings, options),
    ...hostsPart(settings, options),
    ...discoveryPart(settings, options),
    ...installPart(settings, options),
    ...imageCachePart(settings, options),
    ...pausePart(settings, options),
    ...verificationPart(settings, options),
  ];
}

function splitFiles(parts: readonly Part[], options: TalosConfigOptions): EmittedFile[] {
  return order.flatMap((matter) => {
    const own = parts.filter((part) => part.matter === matter);
    return own.length === 0 ? [] : [fileOf(`talos-${matter}.yaml`, { parts: own, options })];
  });
}

function fileOf(
  path: string,
  content: { readonly parts: readonly Part[]; readonly options: TalosConfigOptions },
): EmittedFile {
  const { parts, options } = content;
  const onlyRegistries = parts.every(({ matter }) => matter === 'registries');
  const version = printTalosVersion(options.version);
  const title = onlyRegistries
    ? `Registry mirrors for Talos ${version}, written by airgap.`
    : `Configuration for Talos ${version} behind an air gap, written by airgap.`;
  const said = parts.filter((part) => part.sections === undefined && part.documents === undefined);
  const comments = said.map(({ about }) => `\n${commentOf(about)}`).join('');
  const head = commentOf([title, ...howToApply(path, { parts, options })]);
  const body = printParts(parts);
  return { path, text: body === '' ? `${head}${comments}` : `${head}${comments}\n${body}` };
}

function secretsFile(parts: readonly Part[], options: TalosConfigOptions): EmittedFile {
  const head = [
    `Secrets for Talos ${printTalosVersion(options.version)}, written by airgap: keep this file from others.`,
    ...howToApply(talosSecretsPath, { parts: [], options }),
  ];
  return { path: talosSecretsPath, text: `${commentOf(head)}\n${printParts(parts)}` };
}

function howToApply(
  path: string,
  { parts, options }: { readonly parts: readonly Part[]; readonly options: TalosConfigOptions },
): string[] {
  const kinds = configKinds(options.version, options.form);
  if (parts.length > 0 && parts.every((part) => part.sections === undefined && part.documents === undefined)) return [];
  if (!kinds.mergePatch) {
    return [
      'Merge patches are documented from Talos v1.2 on: put this section into the machine configuration by hand,',
      'on running nodes with  talosctl --nodes NODE edit machineconfig',
    ];
  }
  const isList = (part: Part): boolean => ['registries', 'time', 'network'].includes(part.matter);
  const beside = parts.some((part) => part.documents !== undefined && part.matter !== 'registries');
  return [
    `Running nodes:  talosctl --nodes NODE patch machineconfig --patch @${path}`,
    `A new cluster:  talosctl gen config NAME https://HOST:6443 --config-patch @${path}`,
    ...(parts.some(isList) ? besideText(parts) : []),
    ...(beside && kinds.mirrors === 'documents'
      ? ['Where talosctl says that something is configured in v1alpha1 already, write this again with --form v1alpha1.']
      : []),
  ];
}

/**
 * Talos appends lists of a patch to those that are there (pkg/machinery/config/merge). There is no patch that could be applied twice: a
 * `$patch: delete` before it fails where nothing is to be deleted.
 */
function besideText(parts: readonly Part[]): string[] {
  const isOf = (matter: Matter): boolean => parts.some((part) => part.matter === matter);
  const lists = [
    ...(isOf('registries') ? ['endpoints'] : []),
    ...(isOf('time') || isOf('network') ? ['time servers', 'name servers'] : []),
  ];
  const named = lists.join(', ').replace(/, ([^,]+)$/, ' and $1');
  const until = `${named.replace(/^./, (letter) => letter.toUpperCase())} a node already has stay before these: remove them from its configuration first`;
  if (!isOf('registries')) return [`${until}.`];
  return [
    `${until},`,
    'also before this is applied again: containerd passes over a mirror in which an endpoint stands twice, and asks upstream.',
  ];
}
