import { BlockList, isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blocksOf, familyOf, familyOfBlock, shortAddress } from '../../../src/egress/firewall/addresses.ts';

describe('addresses', () => {
  it('are told as Node.js tells them', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.ipV4(), fc.ipV6(), fc.string(), fc.constantFrom('1.2.3.4.', '01.2.3.4', ':', '1.2.3')),
        (text) => {
          expect(familyOf(text) ?? 0).toBe(isIP(text));
        },
      ),
    );
  });

  it('have one spelling', () => {
    expect(shortAddress('FD00:0:0::0:1')).toBe('fd00::1');
    expect(shortAddress('10.0.0.1')).toBe('10.0.0.1');
  });

  it('are no blocks with too many bits', () => {
    expect(['10.0.0.0/33', '10.0.0.0/', 'fd00::/129', '10.0.0.0/8/8', '/8'].map(familyOfBlock)).toEqual(
      Array(5).fill(undefined),
    );
  });

  it('lose host bits, and what another block holds', () => {
    const texts = ['10.5.0.7', '10.5.0.1/24', '10.6.0.1', 'fd00:5::1/64', 'fd00:5::9', '10.5.0.0/24'];
    expect(blocksOf(texts, 4)).toEqual(['10.5.0.0/24', '10.6.0.1']);
    expect(blocksOf(texts, 6)).toEqual(['fd00:5::/64']);
  });

  it('hold the same addresses as before', () => {
    const block = fc.tuple(fc.ipV4(), fc.integer({ min: 4, max: 32 })).map(([address, bits]) => `${address}/${bits}`);
    fc.assert(
      fc.property(fc.array(block, { minLength: 1, maxLength: 8 }), fc.array(fc.ipV4()), (blocks, probes) => {
        const before = listOf(blocks);
        const after = listOf(blocksOf(blocks, 4));
        for (const address of [...probes, ...blocks.map((text) => text.split('/')[0] ?? '')])
          expect(after.check(address)).toBe(before.check(address));
      }),
    );
  });
});

function listOf(blocks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const block of blocks) {
    const [address = '', bits = '32'] = block.split('/');
    list.addSubnet(address, Number(bits));
  }
  return list;
}
