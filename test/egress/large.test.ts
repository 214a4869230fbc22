/** Nothing takes time or memory beyond what its list is worth: a lock may hold a hundred thousand contacts. */
import { describe, expect, it } from 'vitest';
import { compareDestinations, type Destination } from '../../src/egress/destination.ts';
import { firewallLanguages } from '../../src/egress/firewall/languages.ts';
import { printers } from '../../src/egress/print/printers.ts';
import { AirgapError } from '../../src/errors.ts';
import { input } from './firewall/input.ts';
import { destination, testSources } from './lists.ts';

const count = 5000;
/** Of the processor. Where each pair of destinations is looked at, it takes far more. */
const mostSeconds = 8;

function secondsOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

const kinds: readonly ((index: number) => Partial<Destination> & { readonly host: string })[] = [
  (index) => ({ host: `*.h${index}.s${index % 97}.example.com`, exfiltration: 'shared by many' }),
  (index) => ({ host: `h${index}.s${index % 97}.example.com` }),
  (index) => ({ host: `h${index % 50}.example.com`, port: 1 + index }),
  (index) => ({ host: `h${index}.example.net`, through: `p${index % 50}.site:3128` }),
  (index) => ({ host: `h${index}.example.org`, seen: 'undeclared', exfiltration: 'shared by many' }),
];

const destinations = [...Array(count).keys()]
  .map((index) => {
    const { host, ...said } = kinds[index % kinds.length]?.(index) ?? { host: 'x.io' };
    return destination(host, { purposes: [`registry r${index}.example.com`], component: 'site', ...said });
  })
  .sort(compareDestinations);

describe('thousands of destinations', () => {
  it.each(firewallLanguages)('are written for $name in seconds', ({ print }) => {
    const seconds = secondsOf(() => {
      try {
        print(input({ destinations }));
      } catch (error) {
        if (!(error instanceof AirgapError)) throw error;
      }
    });
    expect(seconds).toBeLessThan(mostSeconds);
  });

  it.each(printers)('are printed as $name in seconds', ({ print }) => {
    const options = { columns: 100, stateless: true, title: 'large', sources: testSources };
    expect(secondsOf(() => print({ destinations, notes: [] }, options))).toBeLessThan(mostSeconds);
  });
});

it('a destination that is needed for a hundred thousand reasons is more lines than a call takes arguments', () => {
  const purposes = [...Array(130_000).keys()].map((index) => `redirect target of r${index}.io:443`);
  const list = { destinations: [destination('x.io', { purposes, seen: 'undeclared' })], notes: [] };
  const table = printers.find(({ name }) => name === 'table');
  const text = table?.print(list, { columns: 80, stateless: false, title: 'large', sources: testSources }) ?? '';
  expect(text.split('\n').length).toBeGreaterThan(130_000);
});
