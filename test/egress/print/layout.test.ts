import { describe, expect, it } from 'vitest';
import { layOut } from '../../../src/egress/print/layout.ts';
import { bandsOf } from '../../../src/egress/print/picture.ts';
import { destination, largeList, listOf, observedList, ofSite, smallList } from '../lists.ts';

const short = listOf([ofSite('10.5.0.1', { role: 'nodes', isRegistry: true, purposes: ['x'] })]);
const behindProxy = listOf(
  ['ghcr', 'quay', 'dockerhub'].map((component) =>
    destination(`${component}.io`, { component: component as 'ghcr', through: 'proxy.site:3128' }),
  ),
);

describe('what stands where', () => {
  it.each(Object.entries({ short, behindProxy, smallList, observedList, largeList }))(
    'holds who connects in its box, and a proxy beside all that it reaches, in %s',
    (_, list) => {
      for (const { rect, title, count, stops } of layOut(bandsOf(list), 50)) {
        for (const { y } of [...title, count]) expect(y).toBeLessThan(rect.bottom);
        expect(Math.max(...stops.map((stop) => stop.rect.bottom))).toBeLessThanOrEqual(rect.bottom);
        const at = stops.findIndex(({ lane }) => lane === 'proxy');
        const beyond = at < 0 ? [] : stops.slice(at + 1).filter(({ lane }) => lane === 'internet');
        for (const stop of beyond) expect(stop.rect.bottom).toBeLessThanOrEqual(stops[at]?.rect.bottom ?? 0);
      }
    },
  );
});
