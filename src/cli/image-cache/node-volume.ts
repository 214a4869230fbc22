/** What a node needs to keep an image cache: a volume that is large enough, and the setting that turns the cache on. Pure. */
import { settingForms } from '../../talos/config-kinds.ts';
import { printTalosVersion, type TalosVersion } from '../../talos/version.ts';

const megabyte = 1_000_000;

/** Most that Talos gives the volume unless it is told otherwise: 1 GiB, which its documentation calls 1 GB (image_cache_config.go, MaxImageCacheSize). */
export const defaultVolumeBytes = 1024 * 1024 * 1024;

/**
 * Megabytes of a volume for a cache: a fifth more than its files, as the imager reckons for a disk image (siderolabs/talos v1.13.9,
 * pkg/imager/out.go, calculateDirectorySizeWithOverhead), in steps of 100, and at least the 500 that Talos itself asks for.
 */
export function volumeMegabytes(treeBytes: number): number {
  return Math.max(500, Math.ceil((treeBytes * 1.2) / (100 * megabyte)) * 100);
}

/**
 * A patch that makes Talos make the volume IMAGECACHE, which it does only where a VolumeConfig names it, and use the cache
 * (image_cache_config.go, createVolumeConfigDisk). Undefined for releases before 1.9, which have no image cache.
 */
export function cachePatch(version: TalosVersion, treeBytes: number): string | undefined {
  const form = settingForms(version).imageCache;
  if (form === undefined) return undefined;
  const size = `${volumeMegabytes(treeBytes)}MB`;
  const volume = [
    'apiVersion: v1alpha1',
    'kind: VolumeConfig',
    'name: IMAGECACHE',
    'provisioning:',
    '    diskSelector:',
    '        match: system_disk',
    `    minSize: ${size}`,
    `    maxSize: ${size}`,
  ];
  const enabled =
    form === 'documents'
      ? ['apiVersion: v1alpha1', 'kind: ImageCacheConfig', 'local:', '    enabled: true']
      : ['machine:', '    features:', '        imageCache:', '            localEnabled: true'];
  const head = [
    `# Image cache for Talos ${printTalosVersion(version)}: the volume it is kept on, and the setting that turns it on.`,
    '# Part of the configuration a machine is installed with: a volume is made once and does not grow later.',
  ];
  return [...head, ...enabled, '---', ...volume, ''].join('\n');
}
