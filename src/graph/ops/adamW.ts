import type { OpDefinition } from '../op.ts';
import { sizeOf, type OpNode } from '../tensor.ts';
import { choiceAttribute } from './attributes.ts';
import { inputOf, operand, valuesOf } from './operands.ts';
import { elementGrid, elementPieces, part } from './pieces.ts';

/** torch.optim.AdamW's defaults; the step's bias corrections are 1 − βᵗ of these. */
export const adamConstants = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;

/** Parameters that share a learning-rate factor and a weight-decay factor: a block of the flat space. */
export const groupBlock = 64;

const names = ['parameters', 'gradients', 'first moments', 'second moments', 'groups', 'norm'];
const flopsEach = 24;

/**
 * One AdamW update of a piece of the flat space, as torch.optim.AdamW, with the gradient clipped by the factor that `gradientNorm` found.
 * Operands, all states: parameters, gradients, first and second moments [n]; groups [⌈n / 64⌉, 2], the factors of the learning rate and of
 * the weight decay of each block; norm [4]. Attribute `gradients`: 'clear' sets them to zero, 'keep' leaves them clipped.
 * A norm that is not finite updates nothing. A block whose learning-rate factor is 0 is frozen: neither it nor its moments change.
 */
export const adamW: OpDefinition = {
  name: 'adamW',
  writes: [0, 1, 2, 3],

  infer(inputs, attributes) {
    choiceAttribute('adamW', attributes, 'gradients', ['clear', 'keep']);
    const count = sizeOf(operand('adamW', inputs, 0).shape);
    const sizes = [count, count, count, count, 2 * Math.ceil(count / groupBlock), 4];
    sizes.forEach((size, i) => {
      const { shape } = operand('adamW', inputs, i);
      if (sizeOf(shape) !== size)
        throw new Error(`adamW wants ${size} numbers as ${names[i]}, got [${shape.join(', ')}]`);
    });
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
    const { beta1, beta2, epsilon } = adamConstants;
    for (let i = 0; i < p.length; i++) {
      const block = Math.floor(i / groupBlock);
      const rate = step.learningRate * (groups[2 * block] ?? 0);
      const gradient = (g[i] ?? 0) * clip;
      g[i] = keepsGradients(node) ? gradient : 0;
      if (isFinite !== 1 || groups[2 * block] === 0) continue;
      const first = beta1 * (m[i] ?? 0) + (1 - beta1) * gradient;
      const second = beta2 * (v[i] ?? 0) + (1 - beta2) * gradient * gradient;
      const decayed = (p[i] ?? 0) * (1 - rate * step.weightDecay * (groups[2 * block + 1] ?? 0));
      m[i] = first;
      v[i] = second;
      p[i] = decayed - (rate * (first / step.biasCorrection1)) / (Math.sqrt(second / step.biasCorrection2) + epsilon);
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
