/** Chance that can be had again: everything follows from the seed. */
export interface Chance {
  /** 0 up to, not including, `below`. */
  below(below: number): number;
  /** True in `share` of the cases. */
  happens(share: number): boolean;
  oneOf<T>(of: readonly T[]): T;
}

/** mulberry32, by Tommy Ettinger: 32 bits of state, good enough for choosing. */
export function chanceOf(seed: number): Chance {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    below: (below) => Math.floor(next() * below),
    happens: (share) => next() < share,
    oneOf: (of) => {
      const one = of[Math.floor(next() * of.length)];
      if (one === undefined) throw new Error('there is nothing to choose from');
      return one;
    },
  };
}
