import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Some tests are about time (pauses, stalls, killed processes). On a busy CI machine one may be tried again; a defect fails every time. */
const patience = { testTimeout: 30_000, hookTimeout: 60_000, retry: process.env.CI === undefined ? 0 : 2 };

export default defineConfig({
  test: {
    pool: 'forks',
    // Much of the time is spent waiting: two files at once even where there are two processors.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      { test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/interop/**'], ...patience } },
      {
        test: {
          name: 'interop',
          include: ['test/interop/**/*.test.ts'],
          ...patience,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
