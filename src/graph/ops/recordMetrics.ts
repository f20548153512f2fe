import type { OpDefinition } from '../op.ts';
import { sizeOf } from '../tensor.ts';
import { inputOf, operand, valuesOf } from './operands.ts';

/** Slots of the ring and numbers in each: step, loss, norm, 1 where both are finite, learning rate, regulariser, two spare. */
export const metricsRing = { slots: 64, width: 8 } as const;

/**
 * Writes what the chart shows into slot (step mod 64) of a ring, so that nothing waits for the GPU, and clears the sums for the next step.
 * Operands, all states: loss, its first number the sum over the step's target tokens; norm [4] of `gradientNorm`; ring [64, 8];
 * and, where the method has one, the regulariser [1].
 */
export const recordMetrics: OpDefinition = {
  name: 'recordMetrics',
  writes: [0, 2, 3],

  infer(inputs) {
    operand('recordMetrics', inputs, 0);
    operand('recordMetrics', inputs, 1);
    const { shape } = operand('recordMetrics', inputs, 2);
    if (sizeOf(shape) !== metricsRing.slots * metricsRing.width)
      throw new Error(
        `recordMetrics writes a ring [${metricsRing.slots}, ${metricsRing.width}], not [${shape.join(', ')}]`,
      );
    return [];
  },

  reference(inputs, _, step) {
    const loss = valuesOf(inputs, 0).slice();
    const ring = valuesOf(inputs, 2).slice();
    const [norm = NaN, , isFinite = 0] = valuesOf(inputs, 1);
    const regulariser = inputs[3]?.slice();
    const slot = (step.step % metricsRing.slots) * metricsRing.width;
    const mean = (loss[0] ?? NaN) * step.inverseTargets;
    ring.set([step.step, mean, norm, isFinite === 1 && Number.isFinite(mean) ? 1 : 0, step.learningRate], slot);
    if (regulariser) ring[slot + 5] = regulariser[0] ?? NaN;
    loss[0] = 0;
    regulariser?.fill(0, 0, 1);
    return regulariser ? [loss, ring, regulariser] : [loss, ring];
  },

  lower(node) {
    const regulariser = node.inputs[3];
    return [
      {
        kernel: { module: 'optimizer/metrics' },
        params: [regulariser ? 1 : 0],
        bindings: {
          1: { tensor: inputOf(node, 0) },
          2: { tensor: inputOf(node, 1) },
          3: { tensor: inputOf(node, 2) },
          4: regulariser && { tensor: regulariser },
        },
        grid: [1, 1, 1],
        flops: 1,
      },
    ];
  },
};
