import { describe, expect, it } from 'vitest';
import { parseReference } from '../../src/oci/reference.ts';
import { type NodeMirror, nodeManifestUrls, nodeMirrorFor } from '../../src/talos/node-mirrors.ts';

const image = parseReference('registry.k8s.io/coredns/coredns:v1.12.4');
const urls = (url: string, overridePath = false): string[] =>
  nodeManifestUrls([{ registry: '*', endpoints: [{ url, overridePath }], skipFallback: true }], image);

describe('nodeManifestUrls()', () => {
  it.each([
    ['http://10.5.0.1:6000', false, 'http://10.5.0.1:6000/v2/coredns/coredns/manifests/v1.12.4'],
    ['http://10.5.0.1:6000/', false, 'http://10.5.0.1:6000/v2/coredns/coredns/manifests/v1.12.4'],
    ['https://mirror:443', false, 'https://mirror:443/v2/coredns/coredns/manifests/v1.12.4'],
    ['https://mirror/v2', false, 'https://mirror/v2/coredns/coredns/manifests/v1.12.4'],
    ['https://mirror/ghcr.io', false, 'https://mirror/ghcr.io/v2/coredns/coredns/manifests/v1.12.4'],
    ['https://mirror/v2//ghcr.io/', true, 'https://mirror/v2/ghcr.io/coredns/coredns/manifests/v1.12.4'],
  ])('asks for endpoint %s, overridePath %s, %s', (url, overridePath, expected) =>
    expect(urls(url, overridePath)).toEqual([expected]),
  );

  it('asks the digest where there is one, and upstream last', () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    expect(nodeManifestUrls([], parseReference(`nginx:1@${digest}`))).toEqual([
      `https://registry-1.docker.io/v2/library/nginx/manifests/${digest}`,
    ]);
    const mirrors: NodeMirror[] = [
      { registry: 'docker.io', endpoints: [{ url: 'http://m', overridePath: false }], skipFallback: false },
    ];
    expect(nodeManifestUrls(mirrors, parseReference('nginx'))).toEqual([
      'http://m/v2/library/nginx/manifests/latest',
      'https://registry-1.docker.io/v2/library/nginx/manifests/latest',
    ]);
  });
});

describe('nodeMirrorFor()', () => {
  it('takes the exact entry and never both', () => {
    const any = { registry: '*', endpoints: [], skipFallback: true };
    const own = { registry: 'ghcr.io', endpoints: [], skipFallback: false };
    expect(nodeMirrorFor([any, own], 'ghcr.io')).toBe(own);
    expect(nodeMirrorFor([any, own], 'quay.io')).toBe(any);
    expect(nodeMirrorFor([own], 'quay.io')).toBeUndefined();
  });
});
