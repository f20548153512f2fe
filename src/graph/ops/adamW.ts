import type { OpDefinition } from '../op.ts';
import { sizeOf, type OpNode } from '../tensor.ts';
import { choiceAttribute } from './attributes.ts';
import { inputOf, operand, valuesOf } from './operands.ts';
import { elementGrid, elementPieces, part } from './pieces.ts';

/** torch.optim.AdamW's defaults; the bias corrections of a group are 1 − βᵗ of these. */
export const adamConstants = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;

/** Parameters that surely share a group: a block of the flat space. */
export const groupBlock = 64;

/** Numbers that a group of parameters has: learning-rate factor, weight-decay factor, 1 − β1ᵗ and 1 − β2ᵗ of its own t. */
export const groupWidth = 4;

const names = ['parameters', 'gradients', 'first moments', 'second moments', 'groups', 'norm'];
const flopsEach = 24;

/**
 * One AdamW update of a piece of the flat space, as torch.optim.AdamW, with the gradient clipped by the factor that `gradientNorm` found.
 * Operands, all states: parameters, gradients, first and second moments [n]; groups u32 [⌈n / 64⌉], the group of each block; norm [4];
 * rates [groups, 4], see `groupWidth`. Attribute `gradients`: 'clear' sets them to zero, 'keep' leaves them clipped.
 * A norm that is not finite updates nothing. A group whose learning-rate factor is 0 is frozen: neither it nor its moments change.
 */
export const adamW: OpDefinition = {
  name: 'adamW',
  writes: [0, 1, 2, 3],

  infer(inputs, attributes) {
    choiceAttribute('adamW', attributes, 'gradients', ['clear', 'keep']);
    const count = sizeOf(operand('adamW', inputs, 0).shape);
    const sizes = [count, count, count, count, Math.ceil(count / groupBlock), 4];
    sizes.forEach((size, i) => {
      const { shape } = operand('adamW', inputs, i);
      if (sizeOf(shape) !== size)
        throw new Error(`adamW wants ${size} numbers as ${names[i]}, got [${shape.join(', ')}]`);
    });
    const { shape } = operand('adamW', inputs, 6);
    if (shape.length !== 2 || shape[1] !== groupWidth)
      throw new Error(`adamW wants rates [groups, ${groupWidth}], got [${shape.join(', ')}]`);
    return [];
  },

  reference(inputs, node, step) {
    const [p, g, m, v] = [0, 1, 2, 3].map((i) => Float64Array.from(valuesOf(inputs, i))) as [
      Numbers,
      Numbers,
      Numbers,
      Numbers,
    ];
    const groups = valuesOf(inputs, 4);
    const [, clip = 1, isFinite = 0] = valuesOf(inputs, 5);
    const rates = valuesOf(inputs, 6);
    const { beta1, beta2, epsilon } = adamConstants;
    for (let i = 0; i < p.length; i++) {
      const group = groupWidth * (groups[Math.floor(i / groupBlock)] ?? 0);
      const [rateFactor = 0, decayFactor = 0, biasCorrection1 = 1, biasCorrection2 = 1] = rates.subarray(group);
      const rate = step.learningRate * rateFactor;
      const gradient = (g[i] ?? 0) * clip;
      g[i] = keepsGradients(node) ? gradient : 0;
      if (isFinite !== 1 || rateFactor === 0) continue;
      const first = beta1 * (m[i] ?? 0) + (1 - beta1) * gradient;
      const second = beta2 * (v[i] ?? 0) + (1 - beta2) * gradient * gradient;
      const decayed = (p[i] ?? 0) * (1 - rate * step.weightDecay * decayFactor);
      m[i] = first;
      v[i] = second;
      p[i] = decayed - (rate * (first / biasCorrection1)) / (Math.sqrt(second / biasCorrection2) + epsilon);
    }
    return [p, g, m, v];
  },

  lower(node, context) {
    const { beta1, beta2, epsilon } = adamConstants;
    const keep = keepsGradients(node) ? 1 : 0;
    return elementPieces(sizeOf(inputOf(node, 0).shape), context, flopsEach).map((piece) => ({
      kernel: { module: 'optimizer/adamw' },
      params: [piece.count, piece.start, keep, { f: beta2 }, { f: 1 - beta1 }, { f: 1 - beta2 }, { f: epsilon }],
      bindings: {
        1: part(inputOf(node, 0), piece),
        2: part(inputOf(node, 1), piece),
        3: part(inputOf(node, 2), piece),
        4: part(inputOf(node, 3), piece),
        5: { tensor: inputOf(node, 4) },
        6: { tensor: inputOf(node, 5) },
        7: { tensor: inputOf(node, 6) },
      },
      grid: elementGrid(piece.count),
      flops: piece.count * flopsEach,
    }));
  },
};

type Numbers = Float64Array;

function keepsGradients(node: OpNode): boolean {
  return node.attributes['gradients'] === 'keep';
}
