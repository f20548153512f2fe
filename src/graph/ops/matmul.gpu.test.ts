import { describe, test } from 'vitest';
import { checkForward, checkGradient, useGpu, type Operand } from '../../../tests/ops/harness.ts';
import { packedWeight } from '../../../tests/ops/packedWeights.ts';
import { weight } from '../../../tests/ops/weightBytes.ts';

const f32 = (...shape: number[]): Operand => ({ kind: 'f32', shape });

describe('matmul', () => {
  const context = useGpu();

  const sizes: readonly [rows: number, columns: number, depth: number][] = [
    [1, 1, 1],
    [3, 2, 5],
    [7, 13, 11],
    [1, 68, 36],
    [65, 8, 60],
    [37, 3, 64],
    [8, 200, 24],
    [70, 100, 2],
    [66, 132, 40],
  ];
  test.each(sizes)('nt, nn and tn of %i × %i × %i', async (m, n, k) => {
    await checkForward(context.gpu, 'matmul', [f32(m, k), f32(n, k)], { layout: 'nt' });
    await checkForward(context.gpu, 'matmul', [f32(m, k), f32(k, n)], { layout: 'nn' });
    await checkForward(context.gpu, 'matmul', [f32(k, m), f32(k, n)], { layout: 'tn' });
  });

  test('adds alpha times the product, the addend and the bias', async () => {
    for (const columns of [12, 7]) {
      const attributes = { layout: 'nt', alpha: -0.75 };
      await checkForward(
        context.gpu,
        'matmul',
        [f32(9, 8), f32(columns, 8), f32(9, columns), f32(columns)],
        attributes,
      );
      await checkForward(context.gpu, 'matmul', [f32(9, 8), f32(columns, 8), undefined, f32(columns)], attributes);
      await checkForward(context.gpu, 'matmul', [f32(9, 8), f32(columns, 8), f32(9, columns)], attributes);
    }
  });

  test('batches equal leading dimensions, and flattens them where one b serves them all', async () => {
    for (const [m, n, k] of [
      [5, 12, 8],
      [3, 7, 9],
    ] as const) {
      await checkForward(context.gpu, 'matmul', [f32(2, 3, m, k), f32(2, 3, n, k), f32(2, 3, m, n)], { layout: 'nt' });
      await checkForward(context.gpu, 'matmul', [f32(6, m, k), f32(6, k, n)], { layout: 'nn' });
      await checkForward(context.gpu, 'matmul', [f32(1, m, k), f32(1, k, n)], { layout: 'nn' });
      await checkForward(context.gpu, 'matmul', [f32(6, k, m), f32(6, k, n)], { layout: 'tn' });
      await checkForward(context.gpu, 'matmul', [f32(2, 3, m, k), f32(n, k)], { layout: 'nt' });
      await checkForward(context.gpu, 'matmul', [f32(2, 3, m, k), f32(k, n)], { layout: 'nn' });
      await checkForward(context.gpu, 'matmul', [f32(2, 3, k, m), f32(2, 3, k, n)], { layout: 'tn', flatten: true });
    }
  });

  test.each(['f32', 'f16', 'bf16', 'q8_0', 'q4_0', 'q4_1'] as const)(
    'multiplies by a weight in %s, both ways',
    async (format) => {
      for (const rows of [1, 5, 67]) {
        for (const [out, depth] of [
          [36, 64],
          [33, 160],
        ] as const) {
          await checkForward(context.gpu, 'matmul', [f32(rows, depth), weight(format, out, depth)], { layout: 'nt' });
          await checkForward(context.gpu, 'matmul', [f32(rows, out), weight(format, out, depth)], { layout: 'nn' });
        }
      }
    },
  );

  test.each(['q5_0', 'q5_1', 'q2_k', 'q3_k', 'q4_k', 'q5_k', 'q6_k'] as const)(
    'multiplies by a weight in %s, both ways',
    async (format) => {
      for (const [rows, out, depth] of [
        [1, 33, 256],
        [9, 35, 512],
      ] as const) {
        await checkForward(context.gpu, 'matmul', [f32(rows, depth), weight(format, out, depth)], { layout: 'nt' });
        await checkForward(context.gpu, 'matmul', [f32(rows, out), weight(format, out, depth)], { layout: 'nn' });
      }
    },
  );

  test.each([
    ['nf4', 96],
    ['fp4_nested', 64],
    ['nf4_unaligned', 48],
    ['nf4_nested_unaligned', 42],
    ['fp4_unaligned', 23],
    ['fp4_nested_unaligned', 100],
    ['int8', 44],
    ['int8_g64', 36],
    ['int4_x16', 36],
    ['int4_g32', 96],
    ['int4_x16', 40],
    ['int8_x64', 64],
    ['int3_g64', 64],
    ['int2_x64', 96],
  ] as const)('multiplies by a weight in %s of %i columns, both ways', async (format, depth) => {
    for (const [rows, out] of [
      [1, 33],
      [9, 35],
    ] as const) {
      const weight = await packedWeight(format, out, depth);
      await checkForward(context.gpu, 'matmul', [f32(rows, depth), weight], { layout: 'nt' });
      await checkForward(context.gpu, 'matmul', [f32(rows, out), weight], { layout: 'nn' });
    }
  });

  // 257 rows: the last shard begins a group of four that it does not fill; in NF4 its nested scales begin anywhere
  test.each([
    ['nf4_nested', 96],
    ['nf4_nested_unaligned', 90],
    ['int8', 44],
    ['int4_x16', 72],
  ] as const)('multiplies by a weight in %s of %i columns in several shards', async (format, depth) => {
    const weight = await packedWeight(format, 257, depth);
    const options = { bindingLimit: 12 * 2 ** 10 };
    await checkForward(context.gpu, 'matmul', [f32(3, depth), weight], { layout: 'nt' }, options);
    await checkForward(context.gpu, 'matmul', [f32(9, 257), weight], { layout: 'nn' }, options);
  });

  test.each(['q3_k', 'q4_k'] as const)('multiplies by a weight in %s in several shards', async (format) => {
    const options = { bindingLimit: 16 * 2 ** 10 };
    await checkForward(context.gpu, 'matmul', [f32(3, 256), weight(format, 131, 256)], { layout: 'nt' }, options);
    await checkForward(context.gpu, 'matmul', [f32(9, 131), weight(format, 131, 256)], { layout: 'nn' }, options);
  });

  test.each(['f32', 'f16', 'bf16'] as const)(
    'multiplies by a weight in %s with odd rows and columns',
    async (format) => {
      await checkForward(context.gpu, 'matmul', [f32(10, 7), weight(format, 11, 7)], { layout: 'nt' });
      await checkForward(context.gpu, 'matmul', [f32(10, 11), weight(format, 11, 7)], { layout: 'nn' });
    },
  );

  test.each(['f32', 'q8_0', 'q4_1'] as const)('multiplies by a weight in %s in several shards', async (format) => {
    const bindingLimit = 12 * 2 ** 10;
    const options = { bindingLimit: format === 'f32' ? 3 * bindingLimit : bindingLimit };
    const shape = [257, 96] as const;
    for (const rest of [[], [f32(9, 257), f32(257)]]) {
      await checkForward(
        context.gpu,
        'matmul',
        [f32(9, 96), weight(format, ...shape), ...rest],
        { layout: 'nt' },
        options,
      );
    }
    for (const rest of [[], [f32(9, 96), f32(96)]]) {
      await checkForward(
        context.gpu,
        'matmul',
        [f32(9, 257), weight(format, ...shape), ...rest],
        { layout: 'nn' },
        options,
      );
    }
  });

  test('splits activations that are larger than a binding', async () => {
    const options = { bindingLimit: 8192 };
    await checkForward(
      context.gpu,
      'matmul',
      [f32(300, 20), f32(36, 20), f32(300, 36), f32(36)],
      { layout: 'nt' },
      options,
    );
    await checkForward(context.gpu, 'matmul', [f32(300, 36), f32(36, 20)], { layout: 'nn' }, options);
    await checkForward(context.gpu, 'matmul', [f32(300, 20), f32(300, 36), f32(20, 36)], { layout: 'tn' }, options);
    await checkForward(context.gpu, 'matmul', [f32(8, 200), f32(8, 36)], { layout: 'tn' }, options);
    await checkForward(context.gpu, 'matmul', [f32(11, 16, 32), f32(11, 8, 32)], { layout: 'nt' }, options);
  });

  test('splits work that is longer than a dispatch may be, to the same bits', async () => {
    for (const flopsPerDispatch of [1, 20_000, 200_000]) {
      const options = { flopsPerDispatch };
      await checkForward(
        context.gpu,
        'matmul',
        [f32(150, 20), f32(132, 20), f32(150, 132), f32(132)],
        { layout: 'nt' },
        options,
      );
      await checkForward(context.gpu, 'matmul', [f32(150, 132), f32(132, 20)], { layout: 'nn' }, options);
      await checkForward(context.gpu, 'matmul', [f32(30, 150), f32(30, 77)], { layout: 'tn' }, options);
      await checkForward(context.gpu, 'matmul', [f32(7, 20, 12), f32(7, 12, 9)], { layout: 'nn' }, options);
    }
  });

  test('gradients of every operand', () => {
    for (const alpha of [1, 0.5]) {
      checkGradient('matmul', [f32(2, 3, 4), f32(5, 4), f32(2, 3, 5), f32(5)], { layout: 'nt', alpha });
      checkGradient('matmul', [f32(2, 3, 4), f32(4, 5), f32(2, 3, 5), f32(5)], { layout: 'nn', alpha });
      checkGradient('matmul', [f32(2, 4, 3), f32(2, 4, 5)], { layout: 'tn', flatten: true, alpha });
      checkGradient('matmul', [f32(2, 3, 4), f32(2, 5, 4)], { layout: 'nt', alpha });
      checkGradient('matmul', [f32(2, 3, 4), f32(2, 4, 5)], { layout: 'nn', alpha });
      checkGradient('matmul', [f32(2, 4, 3), f32(2, 4, 5)], { layout: 'tn', alpha });
      checkGradient('matmul', [f32(4, 3), f32(4, 5)], { layout: 'tn', alpha });
    }
  });
});
