import { describe, test } from 'vitest';
import { checkForward, checkGradient, useGpu, type Operand } from '../../../tests/ops/harness.ts';

const f32 = (...shape: number[]): Operand => ({ kind: 'f32', shape });

/** A frozen table [positions, half, 2] of cosines and sines. */
function table(positions: number, half: number): Operand {
  const pairs = Array.from({ length: positions * half }, (_, i) => Math.floor(i / half) * 100 ** -((i % half) / half));
  const values = Float32Array.from(pairs.flatMap((angle) => [Math.cos(angle), Math.sin(angle)]));
  return { kind: 'weight', shape: [positions, half, 2], format: 'f32', bytes: new Uint8Array(values.buffer) };
}

describe('rope', () => {
  const context = useGpu();

  test('turns the halves of each head by its position, both ways', async () => {
    for (const [headSize, heads] of [
      [2, 1],
      [8, 3],
      [20, 5],
      [64, 9],
    ] as const) {
      for (const inverse of [false, true])
        await checkForward(context.gpu, 'rope', [f32(2, 7, heads, headSize), table(7, headSize / 2)], { inverse });
    }
  });

  test('starts at the query offset and leaves what is beyond rotaryDim', async () => {
    const step = { queryOffset: 5 };
    await checkForward(context.gpu, 'rope', [f32(3, 4, 2, 20), table(9, 6)], { rotaryDim: 12 }, { step });
  });

  test('virtual positions stand in front', async () => {
    const step = { queryOffset: 2 };
    await checkForward(context.gpu, 'rope', [f32(2, 3, 2, 8), table(9, 4)], { offset: 4 }, { step });
  });

  test('tokens beyond the binding limit are taken in ranges', async () => {
    await checkForward(context.gpu, 'rope', [f32(3, 50, 2, 12), table(50, 6)], {}, { bindingLimit: 64 * 24 * 4 });
  });

  test('the gradient rule agrees with finite differences', () => {
    checkGradient('rope', [f32(2, 3, 2, 6), table(3, 3)], {});
    checkGradient('rope', [f32(1, 3, 2, 8), table(3, 2)], { rotaryDim: 4 });
  });
});
