/** Receipts as fast-check makes them. */
import fc from 'fast-check';
import { type ReceiptContent, receiptKey, type SiteReceipt } from '../../src/lock/receipt.ts';
import { digest, repositoryName, tag } from '../oci/arbitraries.ts';

const repository = fc
  .tuple(
    repositoryName,
    fc.boolean(),
    fc.constantFrom('', 'infra', 'a/b'),
    fc.uniqueArray(fc.record({ tag, digest }), { selector: (entry) => entry.tag, maxLength: 3 }),
  )
  .map(([name, isUpstream, prefix, tags]) => ({
    registry: isUpstream ? name.registry : '',
    prefix: isUpstream ? '' : prefix,
    path: name.repository,
    tags,
  }));

/** Lists in any order. */
export const siteReceipt: fc.Arbitrary<SiteReceipt> = fc
  .uniqueArray(repository, { selector: receiptKey, minLength: 1, maxLength: 5 })
  .chain((repositories) => {
    const place = fc.nat(repositories.length - 1);
    const contents: fc.Arbitrary<ReceiptContent[]> = fc.uniqueArray(
      fc.record({ digest, size: fc.maxSafeNat(), in: fc.uniqueArray(place, { minLength: 1 }) }),
      { selector: (content) => content.digest, maxLength: 6 },
    );
    return fc.record({
      version: fc.constant(1 as const),
      site: fc.string({ maxLength: 40 }),
      repositories: fc.constant(repositories),
      manifests: contents,
      blobs: contents,
    });
  });
