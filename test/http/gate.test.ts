import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Gate, type Kind } from '../../src/http/gate.ts';
import { get, openClient, serve } from './servers.ts';

const signal = new AbortController().signal;

describe('Gate', () => {
  it('lets small requests overtake bulk ones, and keeps one slot free for them', async () => {
    const gate = new Gate(3);
    const held = [gate.tryAcquire('bulk'), gate.tryAcquire('bulk')];
    expect(gate.tryAcquire('bulk')).toBeUndefined();
    const small = gate.tryAcquire('small');
    const order: string[] = [];
    const enter = (kind: Kind, name: string) =>
      gate.acquire({ kind, signal }).then((release) => {
        order.push(name);
        release();
      });
    const waiting = [
      enter('bulk', 'bulk 1'),
      enter('small', 'small 1'),
      enter('bulk', 'bulk 2'),
      enter('small', 'small 2'),
    ];
    held[0]?.();
    await Promise.all(waiting);
    expect(order).toEqual(['small 1', 'small 2', 'bulk 1', 'bulk 2']);
    small?.();
    held[1]?.();
  });

  it('gives bulk its one slot when there is only one', () => {
    const gate = new Gate(1);
    const release = gate.tryAcquire('bulk');
    expect(release).toBeDefined();
    expect(gate.tryAcquire('small')).toBeUndefined();
    release?.();
    release?.();
    expect(gate.tryAcquire('small')).toBeDefined();
    expect(gate.tryAcquire('small')).toBeUndefined();
  });

  it('forgets who leaves the queue', async () => {
    const gate = new Gate(1);
    const release = gate.tryAcquire('small');
    const controller = new AbortController();
    const leaving = gate.acquire({ kind: 'small', signal: controller.signal });
    const staying = gate.acquire({ kind: 'small', signal });
    controller.abort(new Error('left'));
    await expect(leaving).rejects.toThrow('left');
    release?.();
    expect(await staying).toBeTypeOf('function');
  });

  it('never exceeds its limits and serves everyone, whatever the order', async () => {
    const jobs = fc.array(fc.record({ kind: fc.constantFrom<Kind>('bulk', 'small'), ticks: fc.nat(3) }), {
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 6 }), jobs, async (limit, work) => {
        const gate = new Gate(limit);
        const active = { bulk: 0, small: 0 };
        let worst = 0;
        let worstBulk = 0;
        await Promise.all(
          work.map(async ({ kind, ticks }) => {
            const release = await gate.acquire({ kind, signal });
            active[kind] += 1;
            worst = Math.max(worst, active.bulk + active.small);
            worstBulk = Math.max(worstBulk, active.bulk);
            for (let i = 0; i < ticks; i++) await Promise.resolve();
            active[kind] -= 1;
            release();
          }),
        );
        expect(worst).toBeLessThanOrEqual(limit);
        expect(worstBulk).toBeLessThanOrEqual(Math.max(1, limit - 1));
      }),
    );
  });

  it('keeps no request beyond the limit waiting, and counts it', async () => {
    const gate = new Gate(1);
    const held = gate.tryAcquire('bulk');
    const beyond = await gate.acquire({ kind: 'bulk', beyondLimit: true, signal });
    held?.();
    expect(gate.tryAcquire('small')).toBeUndefined();
    beyond();
    expect(gate.tryAcquire('small')).toBeDefined();
  });

  it('is what the client counts requests with', async () => {
    let active = 0;
    let most = 0;
    const server = await serve((_request, response) => {
      active += 1;
      most = Math.max(most, active);
      setTimeout(() => {
        active -= 1;
        response.end('x');
      }, 10);
    });
    const { client } = openClient({ concurrency: 3 });
    const all = Array.from({ length: 12 }, (_, i) =>
      client.send(get(server.url, `/${i}`, { kind: i % 2 === 0 ? 'bulk' : 'small' })).then(({ body }) => body.text(5)),
    );
    await Promise.all(all);
    expect(most).toBe(3);
    expect(server.connections).toBe(3);
  });
});
