/** What is said of an image cache that was written, and what to do with it. Pure. */
import { quoteShell } from '../../oci/shell.ts';
import type { Location } from '../../store/location.ts';
import { printTalosVersion } from '../../talos/version.ts';
import { nearName, type Step } from '../next-text.ts';
import { sizeText } from '../report/text.ts';
import type { WrittenCache } from './cache-end.ts';
import { defaultVolumeBytes, volumeMegabytes } from './node-volume.ts';

/** `cwd` shortens the names of files. */
export function cacheLines(cache: WrittenCache, cwd: string): string[] {
  const { form, bytes, isNew, patch } = cache;
  const what = form === 'flat' ? 'flat form' : isNew ? 'OCI form, one layer' : 'OCI form, as it was: nothing was new';
  const volume = volumeMegabytes(bytes);
  const small = bytes * 1.2 > defaultVolumeBytes ? '; the 1 GB it has by default is too small' : '';
  return [
    `image cache: ${sizeText(bytes)} (${what}); nodes need a volume IMAGECACHE of ${volume} MB for it${small}`,
    ...(patch === undefined
      ? []
      : [`wrote ${nearName(cwd, patch)}: that volume, and the setting that turns the cache on`]),
  ];
}

/** What to do next. */
export function cacheSteps(cache: WrittenCache, to: Location): Step[] {
  if (to.kind !== 'image-cache') return [];
  const place = quoteShell(to.directory);
  if (cache.form === 'flat') {
    return [
      [
        `talosctl image cache-serve --image-cache-path ${place} --address :5000`,
        'a registry for nodes to install from',
      ],
      [
        `airgap mirror --from image-cache:${place} --to image-cache-oci:${quoteShell(`${to.directory}-oci`)}`,
        'the form the imager takes',
      ],
    ];
  }
  const version = printTalosVersion(cache.version);
  const mount = /^[./]/.test(to.directory) ? to.directory : `./${to.directory}`;
  return [
    [
      `docker run --rm -t -v ./_out:/out -v ${quoteShell(mount)}:/image-cache:ro ghcr.io/siderolabs/imager:${version} iso --image-cache /image-cache`,
      'boot media with the cache on it',
    ],
    [`crane push ${place} REGISTRY/image-cache:${version}`, 'for imagers and factories elsewhere'],
  ];
}

/** For JSON output. Bytes. */
export function cacheFields({ form, bytes, isNew, patch, version }: WrittenCache) {
  const volumeBytes = volumeMegabytes(bytes) * 1_000_000;
  return {
    form,
    bytes,
    isNew,
    volumeBytes,
    talos: printTalosVersion(version),
    ...(patch === undefined ? {} : { patch }),
  };
}
