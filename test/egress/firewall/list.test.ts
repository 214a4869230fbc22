import { describe, expect, it } from 'vitest';
import { list } from '../../../src/egress/firewall/list.ts';
import { expectGolden } from './golden.ts';
import { destinations, input } from './input.ts';

describe('list', () => {
  it('writes its golden file', async () => {
    await expectGolden(list.print(input()), 'list');
  });

  it('holds each host once, without comments', () => {
    const text = list.print(input()).files[0]?.text ?? '';
    const hosts = text
      .split('\n')
      .map((line) => line.replace(/ *#.*/, ''))
      .filter((line) => line !== '');
    const named = destinations.map(({ host }) => host).filter((host) => !host.startsWith('<'));
    expect(hosts).toEqual([...new Set(named)].sort());
  });
});
