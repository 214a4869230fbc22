import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { parseTag } from '../../../src/oci/reference.ts';
import { AttachmentCount, kindOfAttachment, parseAttachmentTag } from '../../../src/serve/page/attachments.ts';

const digest = digestOf(Buffer.from('image'));
const name = digest.replace(':', '-');

describe('attachments', () => {
  it('knows cosign tags and the fallback tag from tags of images', () => {
    const read = (tag: string) => parseAttachmentTag(parseTag(tag));
    expect(read(`${name}.sig`)).toEqual({ subject: digest, kind: 'signature' });
    expect(read(`${name}.att`)).toEqual({ subject: digest, kind: 'attestation' });
    expect(read(`${name}.sbom`)).toEqual({ subject: digest, kind: 'SBOM' });
    expect(read(name)).toEqual({ subject: digest, kind: undefined });
    for (const tag of ['v1', 'sha256-abc', 'sha256-abc.sig', `${name}x`, `v${name}.sig`, `${name}.sig.old`]) {
      expect(read(tag), tag).toBeUndefined();
    }
  });

  it('tells kinds by type, and a Sigstore bundle by what it states', () => {
    const bundle = 'application/vnd.dev.sigstore.bundle.v0.3+json';
    const stating = (predicate: string) => ({ 'dev.sigstore.bundle.predicateType': predicate });
    const kinds = [
      { artifactType: bundle },
      { artifactType: bundle, annotations: stating('https://sigstore.dev/cosign/sign/v1') },
      { artifactType: bundle, annotations: stating('https://slsa.dev/provenance/v1') },
      { artifactType: 'application/vnd.cncf.notary.signature' },
      { artifactType: 'application/spdx+json' },
      { artifactType: 'application/vnd.cyclonedx+json' },
      { artifactType: 'application/vnd.in-toto+json' },
      { artifactType: 'text/plain' },
      {},
    ].map(kindOfAttachment);
    expect(kinds).toEqual([
      'signature',
      'signature',
      'attestation',
      'signature',
      'SBOM',
      'SBOM',
      'attestation',
      'referrer',
      'referrer',
    ]);
  });

  it('counts what is found twice once, signatures first', () => {
    const count = new AttachmentCount();
    count.add({ kind: 'SBOM', by: 'referrer', count: 1 }, digest);
    count.add({ kind: 'SBOM', by: 'referrer', count: 1 }, digest);
    count.add({ kind: 'signature', by: 'tag', count: 2 });
    count.add({ kind: 'signature', by: 'tag', count: 1 });
    count.add({ kind: 'attestation', by: 'inside', count: 0 });
    expect(count.list()).toEqual([
      { kind: 'signature', by: 'tag', count: 3 },
      { kind: 'SBOM', by: 'referrer', count: 1 },
    ]);
  });
});
