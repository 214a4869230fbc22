/** The link of the comparisons (scripts/bench/link.mjs): shapes one connection after another, adds no fault, and counts what it delivers. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface ShapedLink {
  readonly port: number;
  /** Bytes that came out at the near end so far. */
  delivered(): Promise<number>;
  stop(): void;
}

/** To a local port; `roundTripMs` there and back, `rate` in Mbit/s. */
export async function startShapedLink(
  port: number,
  { roundTripMs, rate }: { readonly roundTripMs: number; readonly rate: number },
): Promise<ShapedLink> {
  const script = fileURLToPath(new URL('../../scripts/bench/link.mjs', import.meta.url));
  const child = fork(script, [`127.0.0.1:${port}`, String(roundTripMs), String(rate)], { execArgv: [] });
  const next = () =>
    new Promise<Record<string, number>>((resolve) => void child.once('message', resolve as () => void));
  const { port: own = 0 } = await next();
  return {
    port: own,
    delivered: async () => {
      const answer = next();
      child.send('delivered');
      return (await answer).delivered ?? 0;
    },
    stop: () => void child.kill(),
  };
}
