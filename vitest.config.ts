import { defineConfig } from 'vitest/config';

const gpuTests = '{src,tests}/**/*.gpu.test.ts';
const parityTests = 'tests/parity/**/*.test.ts';

/** Tests that hold the one software GPU of the machine: one process a file, one file at a time. */
const oneAtATime = {
  pool: 'forks',
  fileParallelism: false,
  testTimeout: 180_000,
  hookTimeout: 180_000,
  teardownTimeout: 20_000,
} as const;

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{src,tests}/**/*.test.{ts,tsx}', 'tools/**/*.test.{ts,mjs}'],
          exclude: [gpuTests, parityTests],
          testTimeout: 30_000,
        },
      },
      { test: { name: 'gpu', include: [gpuTests], ...oneAtATime } },
      { test: { name: 'parity', include: [parityTests], ...oneAtATime, testTimeout: 600_000 } },
    ],
  },
});
