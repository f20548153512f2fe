import { describe, it } from 'vitest';
import { checkForward, checkGradient, noise, useGpu } from '../../../tests/ops/harness.ts';
import type { Shape } from '../tensor.ts';
import { binaryOperators } from './binary.ts';

const context = useGpu();
const f32 = (shape: Shape, values?: readonly number[]) => ({ kind: 'f32', shape, ...(values && { values }) }) as const;

describe('binary', () => {
  it.each(binaryOperators)('computes %s of equal shapes', async (operator) => {
    const b = noise(3 * 101, 5).map((x, i) => (i % 7 === 0 ? x : x + Math.sign(x)));
    await checkForward(context.gpu, 'binary', [f32([3, 101]), f32([3, 101], b)], { operator });
  });

  it('takes a tie as a half in `greater`, and passes half of the gradient of max to each side', async () => {
    const [a, b] = [f32([4], [1, 2, -3, 0]), f32([4], [1, 1, -3, 5])];
    await checkForward(context.gpu, 'binary', [a, b], { operator: 'greater' });
    await checkForward(context.gpu, 'binary', [a, b], { operator: 'max' });
  });

  const shapes: [string, Shape, Shape][] = [
    ['a trailing vector', [5, 7, 13], [13]],
    ['a column', [17, 257], [17, 1]],
    ['a scalar', [11], [1]],
    ['a leading scalar that stretches', [1], [2, 3]],
    ['a block in the middle', [3, 5, 7], [5, 1]],
    ['both sides', [4, 1, 6], [3, 1]],
    ['a gap in the middle', [2, 3, 5, 7], [2, 1, 1, 7]],
    ['crossed gaps', [2, 1, 5, 1], [1, 3, 1, 7]],
    ['five dimensions that stretch at the front only', [2, 1, 2, 3, 5], [3, 5]],
  ];
  it.each(shapes)('broadcasts %s', async (_, a, b) => {
    await checkForward(context.gpu, 'binary', [f32(a), f32(b)], { operator: 'sub' });
    checkGradient('binary', [f32(a), f32(b)], { operator: 'sub' });
    checkGradient('binary', [f32(a), f32(b)], { operator: 'mul' });
  });

  it('splits what is larger than a binding, and spans two grid dimensions', async () => {
    await checkForward(context.gpu, 'binary', [f32([70, 33]), f32([33])], { operator: 'mul' }, { bindingLimit: 1024 });
    await checkForward(
      context.gpu,
      'binary',
      [f32([70, 33]), f32([70, 33])],
      { operator: 'add' },
      { flopsPerDispatch: 2000 },
    );
  });

  it('has the gradients of calculus', () => {
    const away = noise(35, 9).map((x) => x + 2 * Math.sign(x));
    for (const operator of ['add', 'div', 'max'])
      checkGradient('binary', [f32([5, 7]), f32([5, 7], away)], { operator });
    checkGradient('binary', [f32([5, 7]), f32([7], away.slice(0, 7))], { operator: 'div' });
  });
});
