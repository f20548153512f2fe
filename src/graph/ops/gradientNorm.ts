import type { OpDefinition, Values } from '../op.ts';
import { sizeOf, type OpNode, type TensorSpec } from '../tensor.ts';
import { inputOf, operand, outputOf, valuesOf } from './operands.ts';
import { lowerReducePass, passLengths, reducePassReference } from './reducePasses.ts';

/**
 * norm ← (‖g‖, clip factor, 1 where ‖g‖ is finite else 0, 0), ‖g‖ the norm of all gradients together and the clip factor
 * min(1, maxGradNorm / (‖g‖ + 10⁻⁶)) as torch.nn.utils.clip_grad_norm_, or 1 when maxGradNorm is 0.
 * Operands: the state norm [4], then the pieces of the gradient space. Its outputs are scratch: partial sums, in a fixed order.
 */
export const gradientNorm: OpDefinition = {
  name: 'gradientNorm',
  writes: [0],
  readsOwnOutputs: true,

  infer(inputs) {
    const norm = operand('gradientNorm', inputs, 0);
    if (sizeOf(norm.shape) !== 4) throw new Error(`gradientNorm writes four numbers, not [${norm.shape.join(', ')}]`);
    operand('gradientNorm', inputs, 1);
    const partials = firstSegments(inputs.slice(1)).reduce((sum, segments) => sum + segments, 0);
    return [partials, ...lengthsAfter(partials)].map((count) => ({ shape: [count], dtype: 'f32' }));
  },

  reference(inputs, node, step) {
    const segments = firstSegments(node.inputs.slice(1));
    const pieces = segments.map((count, i) => {
      const gradient = valuesOf(inputs, i + 1);
      return reducePassReference(gradient, flat(gradient.length), { operation: 'sumOfSquares', segments: count });
    });
    const results: Values[] = [Float64Array.from(pieces.flatMap((piece) => [...piece]))];
    for (const count of lengthsAfter(results[0]?.length ?? 1)) {
      const x = valuesOf(results, results.length - 1);
      results.push(reducePassReference(x, flat(x.length), { operation: 'sum', segments: count }));
    }
    const norm = Math.sqrt(valuesOf(results, results.length - 1)[0] ?? NaN);
    const clip = step.maxGradNorm > 0 ? Math.min(1, step.maxGradNorm / (norm + 1e-6)) : 1;
    return [...results, Float64Array.of(norm, clip, Number.isFinite(norm) ? 1 : 0, 0)];
  },

  lower(node, context) {
    const partials = outputOf(node, 0);
    let outputStart = 0;
    const squares = firstSegments(node.inputs.slice(1)).flatMap((segments, i) => {
      const gradient = inputOf(node, i + 1);
      const pass = { operation: 'sumOfSquares', segments, outputStart } as const;
      outputStart += segments;
      return lowerReducePass(gradient, partials, flat(sizeOf(gradient.shape)), pass, context);
    });
    const sums = node.outputs.slice(1).flatMap((to, i) => {
      const from = outputOf(node, i);
      return lowerReducePass(
        from,
        to,
        flat(sizeOf(from.shape)),
        { operation: 'sum', segments: sizeOf(to.shape) },
        context,
      );
    });
    return [...squares, ...sums, finish(node)];
  },
};

function finish(node: OpNode) {
  const total = outputOf(node, node.outputs.length - 1);
  return {
    kernel: { module: 'optimizer/norm' },
    params: [],
    bindings: { 1: { tensor: total }, 2: { tensor: inputOf(node, 0) } },
    grid: [1, 1, 1],
    flops: 4,
  } as const;
}

function flat(length: number) {
  return { outer: 1, length, inner: 1 };
}

/** How many partial sums each piece of the space leaves after the first pass. */
function firstSegments(gradients: readonly (TensorSpec | undefined)[]): number[] {
  return gradients.map((gradient) => passLengths(sizeOf(gradient?.shape ?? []))[0] ?? 1);
}

function lengthsAfter(partials: number): number[] {
  return partials === 1 ? [] : passLengths(partials);
}
