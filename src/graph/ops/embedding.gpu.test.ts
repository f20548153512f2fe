import { describe, test } from 'vitest';
import type { BlockFormatName } from '../../quant/format.ts';
import { weightFormats } from '../../quant/registry.ts';
import { checkForward, useGpu, type Operand } from '../../../tests/ops/harness.ts';
import { packedWeight } from '../../../tests/ops/packedWeights.ts';
import { weight } from '../../../tests/ops/weightBytes.ts';

describe('embedding', () => {
  const context = useGpu();
  const ids = (shape: readonly number[], values: readonly number[]): Operand => ({ kind: 'u32', shape, values });

  test.each(Object.keys(weightFormats) as BlockFormatName[])(
    'looks rows up in a table in %s, to the very bits of its decoder',
    async (format) => {
      const table = weight(format, 13, weightFormats[format].blockSize === 256 ? 512 : 96);
      const looked = ids([2, 4], [0, 12, 3, 3, 5, 1, 2, 7]);
      await checkForward(context.gpu, 'embedding', [looked, table], {}, { tolerance: 0 });
    },
  );

  test.each(['nf4', 'nf4_nested', 'fp4', 'int4_g32', 'int4_x32', 'int8_g64', 'int3_x32', 'int2_g32'] as const)(
    'looks rows up in a table in %s, to the very bits of its decoder',
    async (format) => {
      const looked = ids([2, 4], [0, 12, 3, 3, 5, 1, 2, 7]);
      await checkForward(context.gpu, 'embedding', [looked, await packedWeight(format, 13, 96)], {}, { tolerance: 0 });
    },
  );

  test('looks rows up in a table in int8, to the last bit but one', async () => {
    const table = await packedWeight('int8', 13, 40);
    await checkForward(context.gpu, 'embedding', [ids([3], [12, 0, 5]), table], {}, { tolerance: 2 ** -23 });
  });

  test('looks up rows of odd width', async () => {
    for (const format of ['f32', 'f16', 'bf16'] as const) {
      await checkForward(context.gpu, 'embedding', [ids([5], [4, 0, 1, 3, 2]), weight(format, 5, 7)]);
    }
  });

  test('finds each row in its shard', async () => {
    const spread = ids([6], [0, 63, 64, 191, 192, 100]);
    await checkForward(context.gpu, 'embedding', [spread, weight('f32', 193, 64)], {}, { bindingLimit: 16384 });
    await checkForward(context.gpu, 'embedding', [spread, weight('q4_1', 193, 64)], {}, { bindingLimit: 2048 });
  });
});
