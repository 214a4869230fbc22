import { describe, expect, it } from 'vitest';
import { layOut } from '../../../src/egress/print/layout.ts';
import { pagesOf } from '../../../src/egress/print/pages.ts';
import { bandsOf } from '../../../src/egress/print/picture.ts';
import { componentList, destination, largeList, listOf, observedList, ofSite, talosList } from '../lists.ts';

const twoProxies = listOf([
  ofSite('a.site', { port: 3128, purposes: ['proxy'] }),
  destination('ghcr.io', { through: 'a.site:3128' }),
  destination('quay.io', { through: 'b.site:3128', purposes: ['registry quay.io'] }),
]);

describe('sheets of a picture', () => {
  it.each(Object.entries({ componentList, largeList, observedList, talosList, twoProxies }))(
    'hold all of %s, in one where it fits',
    (_, list) => {
      const bands = bandsOf(list);
      expect(pagesOf(bands, Number.POSITIVE_INFINITY)).toEqual([bands]);
      const pages = pagesOf(bands, 400);
      const heights = pages.map((page) => layOut(page, 0).at(-1)?.rect.bottom ?? 0);
      expect(Math.max(...heights)).toBeLessThanOrEqual(400);
    },
  );
});
