/** What the machine configuration of a Talos release understands. */
import { isSince, type TalosVersion } from './version.ts';

export interface ConfigKinds {
  /** `documents`: one RegistryMirrorConfig per registry. `v1alpha1`: the `machine.registries` section. Both are read from 1.12.0 on. */
  readonly mirrors: 'v1alpha1' | 'documents';
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
 * Pre-releases of 1.N.0 count as 1.N-1, which 1.N.0 understands as well.
 */
export function configKinds(version: TalosVersion): ConfigKinds {
  const documents = isSince(version, '1.12.0');
  const override = isSince(version, '1.4.0');
  return {
    mirrors: documents ? 'documents' : 'v1alpha1',
    overridePath: documents ? 'per-endpoint' : override ? 'per-registry' : 'none',
    skipFallback: isSince(version, '1.9.0'),
    wildcard: override,
    mergePatch: isSince(version, '1.2.0'),
  };
}

/** First release that reads the document (pkg/machinery/config/schemas; its pre-releases only where they were looked at). */
const documentsSince = {
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
} as const;

export type DocumentKind = keyof typeof documentsSince;

/** Whether a release reads configuration documents of this kind. */
export function knowsDocument(version: TalosVersion, kind: DocumentKind): boolean {
  return isSince(version, documentsSince[kind]);
}
