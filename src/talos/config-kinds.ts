/** What the machine configuration of a Talos release understands. */
import { AirgapError } from '../errors.ts';
import { isSince, printTalosVersion, type TalosVersion } from './version.ts';

/** `v1alpha1`: keys of the one document `machine` and `cluster` stand in. `documents`: a document of its own kind for each matter. */
export type ConfigForm = 'v1alpha1' | 'documents';

export interface ConfigKinds {
  /** `documents`: one RegistryMirrorConfig per registry. `v1alpha1`: the `machine.registries` section. Both are read from 1.12.0 on. */
  readonly mirrors: ConfigForm;
  /** Whether an endpoint's path may be taken as written: not at all, by one flag for all endpoints of a registry, or by one for each. */
  readonly overridePath: 'none' | 'per-registry' | 'per-endpoint';
  /** Whether asking upstream after the mirrors can be turned off. Older releases refuse a configuration with an unknown key. */
  readonly skipFallback: boolean;
  /** Whether containerd follows the `*` mirror too. Before, it was written into a directory containerd does not look at. */
  readonly wildcard: boolean;
  /** Whether a partial document may be given as a strategic merge patch. */
  readonly mergePatch: boolean;
}

/**
 * Sources, siderolabs/talos: documents v1.12.0 (82ac1119e), overridePath v1.4 (5b2960eff), skipFallback v1.9 (30f8b5a9f),
 * `*` as containerd's `_default` v1.4 (6e8f13529); merge patches: documentation of v1.2, "Configuration Patches".
 * Pre-releases of 1.N.0 count as 1.N-1, which 1.N.0 understands as well. With `form` v1alpha1, as newer releases read the old
 * section. Throws ERR_UNSUPPORTED where `form` asks for documents the release does not read.
 */
export function configKinds(version: TalosVersion, form?: ConfigForm): ConfigKinds {
  const documents = formFor(version, form) === 'documents';
  const override = isSince(version, '1.4.0');
  return {
    mirrors: documents ? 'documents' : 'v1alpha1',
    overridePath: documents ? 'per-endpoint' : override ? 'per-registry' : 'none',
    skipFallback: isSince(version, '1.9.0'),
    wildcard: override,
    mergePatch: isSince(version, '1.2.0'),
  };
}

/**
 * The form a release is written for: documents from 1.12.0 on. v1alpha1 is read by every release up to 1.14 (its keys are marked as
 * deprecated there, CHANGELOG of v1.12.0 and v1.14.0). Throws ERR_UNSUPPORTED for documents before.
 */
export function formFor(version: TalosVersion, form?: ConfigForm): ConfigForm {
  const known = isSince(version, documentsSince.RegistryMirrorConfig);
  if (form === 'documents' && !known) throw unsupported(version, 'documents', documentsSince.RegistryMirrorConfig);
  return form ?? (known ? 'documents' : 'v1alpha1');
}

/** Where a setting beside the mirrors is written for a release; undefined where the release has no such setting. */
export interface SettingForms {
  /** `machine.time`, or TimeSyncConfig. Talos refuses a configuration that has both. */
  readonly time: ConfigForm;
  /** `machine.network.nameservers`, or ResolverConfig. Talos refuses both. */
  readonly nameservers: ConfigForm;
  /** `machine.network.extraHostEntries`, or StaticHostConfig. */
  readonly hosts: ConfigForm;
  /** `cluster.discovery`, or DiscoveryServiceConfig. Talos refuses both. */
  readonly discovery: ConfigForm;
  /** `machine.install`, or UnattendedInstallConfig. Talos refuses both. */
  readonly install: ConfigForm;
  /** `machine.features.imageCache`, or ImageCacheConfig. Talos refuses both. */
  readonly imageCache: ConfigForm | undefined;
  /** A file of `machine.files`, or CRICustomizationConfig. */
  readonly pauseImage: ConfigForm;
  readonly trustedRoots: 'documents' | undefined;
  readonly verification: 'documents' | undefined;
}

/**
 * Sources, siderolabs/talos: the conflicts are in V1Alpha1ConflictValidate() of each kind (pkg/machinery/config/types, v1.14.0);
 * `machine.features.imageCache` v1.9; the documents as listed below. Throws as formFor().
 */
export function settingForms(version: TalosVersion, form?: ConfigForm): SettingForms {
  const wanted = formFor(version, form);
  const written = (kind: DocumentKind): ConfigForm =>
    wanted === 'documents' && knowsDocument(version, kind) ? 'documents' : 'v1alpha1';
  return {
    time: written('TimeSyncConfig'),
    nameservers: written('ResolverConfig'),
    hosts: written('StaticHostConfig'),
    discovery: written('DiscoveryServiceConfig'),
    install: written('UnattendedInstallConfig'),
    imageCache: isSince(version, imageCacheSince) ? written('ImageCacheConfig') : undefined,
    pauseImage: written('CRICustomizationConfig'),
    trustedRoots: knowsDocument(version, 'TrustedRootsConfig') ? 'documents' : undefined,
    verification: knowsDocument(version, 'ImageVerificationConfig') ? 'documents' : undefined,
  };
}

/** First release with the image cache (siderolabs/talos v1.9.0, `machine.features.imageCache`). */
export const imageCacheSince = '1.9.0';

/**
 * Whether `publicKey` rules work: they refused every image in releases before 1.13.8 (siderolabs/talos#13886, fixed by
 * 6f17c5033) and in the pre-releases of 1.14.0.
 */
export function hasWorkingKeyRules(version: TalosVersion): boolean {
  return isSince(version, '1.13.8') && (isSince(version, '1.14.0') || !isSince(version, '1.14.0-alpha.0'));
}

/** ERR_UNSUPPORTED, with the first release that can do it. */
export function unsupported(version: TalosVersion, what: string, since: string): AirgapError {
  return new AirgapError(
    'ERR_UNSUPPORTED',
    `Cannot write ${what} for Talos "${printTalosVersion(version)}": the release does not know of it`,
    {
      hint: `Talos v${since} is the first release that does: leave the option away, or write for that release with --talos v${since}`,
    },
  );
}

/** First release that reads the document (pkg/machinery/config/schemas; its pre-releases only where they were looked at). */
export const documentsSince = {
  TrustedRootsConfig: '1.8.0',
  VolumeConfig: '1.8.0',
  RegistryMirrorConfig: '1.12.0',
  RegistryAuthConfig: '1.12.0',
  RegistryTLSConfig: '1.12.0',
  TimeSyncConfig: '1.12.0',
  ResolverConfig: '1.12.0',
  StaticHostConfig: '1.12.0',
  HostnameConfig: '1.12.0',
  EnvironmentConfig: '1.13.0',
  ImageVerificationConfig: '1.13.0',
  ImageCacheConfig: '1.14.0-rc.1',
  CRICustomizationConfig: '1.14.0-rc.1',
  DiscoveryServiceConfig: '1.14.0-rc.1',
  DiscoveryIdentityConfig: '1.14.0-rc.1',
  UnattendedInstallConfig: '1.14.0-rc.1',
} as const;

export type DocumentKind = keyof typeof documentsSince;

/** Whether a release reads configuration documents of this kind. */
export function knowsDocument(version: TalosVersion, kind: DocumentKind): boolean {
  return isSince(version, documentsSince[kind]);
}

/** False also for kinds that exist and are not needed here. */
export function isDocumentKind(kind: string): kind is DocumentKind {
  return Object.hasOwn(documentsSince, kind);
}
