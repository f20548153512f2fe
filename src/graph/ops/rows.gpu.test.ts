import { describe, expect, it } from 'vitest';
import { checkForward, checkGradient, useGpu } from '../../../tests/ops/harness.ts';
import { noRow } from './gatherRows.ts';

const context = useGpu();
const x = { kind: 'f32', shape: [70, 13] } as const;
const numbers = [69, 0, noRow, 17, 3, 64, noRow, 41, 5];
const rows = { kind: 'u32', shape: [numbers.length], values: numbers } as const;
const picked = { kind: 'f32', shape: [numbers.length, 13] } as const;

describe('gatherRows', () => {
  it('takes the named rows, and zeros where none is named', async () => {
    await checkForward(context.gpu, 'gatherRows', [x, rows], {}, { tolerance: 0 });
    await checkForward(context.gpu, 'gatherRows', [x, rows], {}, { tolerance: 0, bindingLimit: 3328 });
    await checkForward(context.gpu, 'gatherRows', [x, rows], {}, { tolerance: 0, flopsPerDispatch: 64 });
    checkGradient('gatherRows', [x, rows]);
  });

  it('takes a row more than once, from a tensor of one column and from three dimensions', async () => {
    const twice = { kind: 'u32', shape: [3], values: [1, 1, 0] } as const;
    await checkForward(context.gpu, 'gatherRows', [{ kind: 'f32', shape: [2, 1] }, twice], {}, { tolerance: 0 });
    await checkForward(context.gpu, 'gatherRows', [{ kind: 'f32', shape: [2, 3, 5] }, twice], {}, { tolerance: 0 });
  });
});

describe('scatterAddRows', () => {
  it('places the rows and leaves zeros elsewhere', async () => {
    await checkForward(context.gpu, 'scatterAddRows', [picked, rows], { rowCount: 70 }, { tolerance: 0 });
    await checkForward(
      context.gpu,
      'scatterAddRows',
      [picked, rows],
      { rowCount: 70 },
      { tolerance: 0, flopsPerDispatch: 64 },
    );
    checkGradient('scatterAddRows', [picked, rows], { rowCount: 70 });
  });

  it('refuses another number of rows than row numbers', async () => {
    await expect(checkForward(context.gpu, 'scatterAddRows', [x, rows], { rowCount: 70 })).rejects.toThrow(
      'row numbers',
    );
  });
});

describe('cacheWrite', () => {
  const k = { kind: 'f32', shape: [3, 5, 2, 7] } as const;
  const cache = { kind: 'state', shape: [3, 11, 2, 7] } as const;
  it.each([0, 4, 6, 9, 11])('writes from position %s on, up to the end of the cache', async (queryOffset) => {
    await checkForward(context.gpu, 'cacheWrite', [k, cache], {}, { tolerance: 0, step: { queryOffset } });
    await checkForward(
      context.gpu,
      'cacheWrite',
      [k, cache],
      {},
      { tolerance: 0, step: { queryOffset }, flopsPerDispatch: 64 },
    );
  });
});
