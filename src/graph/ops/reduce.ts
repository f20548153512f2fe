import type { DispatchPlan, OpDefinition, Values } from '../op.ts';
import { sizeOf, type OpNode, type Shape } from '../tensor.ts';
import { choiceAttribute, numbersAttribute } from './attributes.ts';
import { inputOf, operand, outputOf, valuesOf } from './operands.ts';
import { lowerReducePass, passLengths, reducePassReference, type Slabs } from './reducePasses.ts';

const operators = ['sum', 'mean', 'max'] as const;
type ReduceOperator = (typeof operators)[number];

/**
 * y = Σ x, the mean or the maximum of x over neighbouring `axes` (non-negative, increasing). Attributes: operator, axes,
 * keepDims (default false). Output 0 is the result; further outputs are the scratch between passes.
 * Sums run in a fixed order that depends on the shape alone. The maximum has no gradient.
 */
export const reduce: OpDefinition = {
  name: 'reduce',
  readsOwnOutputs: true,

  infer(inputs, attributes) {
    const { shape } = operand('reduce', inputs, 0);
    choiceAttribute('reduce', attributes, 'operator', operators);
    const axes = axesOf(attributes, shape);
    const kept = shape.map((size, d) => (axes.includes(d) ? 1 : size));
    const { outer, length, inner } = slabsOf(shape, axes);
    const scratch = passLengths(length).slice(0, -1);
    return [
      { shape: attributes['keepDims'] === true ? kept : kept.filter((_, d) => !axes.includes(d)), dtype: 'f32' },
      ...scratch.map((segments) => ({ shape: [outer, segments, inner], dtype: 'f32' }) as const),
    ];
  },

  reference(inputs, node) {
    const { outer, length, inner } = slabsOfNode(node);
    const operator = operatorOf(node);
    const operation = operator === 'max' ? 'max' : 'sum';
    const results: Values[] = [];
    let left = length;
    for (const segments of passLengths(length)) {
      const x = results.at(-1) ?? valuesOf(inputs, 0);
      results.push(reducePassReference(x, { outer, length: left, inner }, { operation, segments }));
      left = segments;
    }
    const result = results.pop() ?? new Float64Array();
    return [operator === 'mean' ? Float64Array.from(result, (sum) => sum / length) : result, ...results];
  },

  gradient(graph, node, [dy]) {
    const { shape } = inputOf(node, 0);
    const operator = operatorOf(node);
    if (operator === 'max') throw new Error('reduce has no gradient for max');
    if (!dy) return [];
    const axes = axesOf(node.attributes, shape);
    const kept = graph.reshape(
      dy,
      shape.map((size, d) => (axes.includes(d) ? 1 : size)),
    );
    const scaled = operator === 'mean' ? graph.one('scale', [kept], { factor: 1 / slabsOfNode(node).length }) : kept;
    return [graph.one('broadcastTo', [scaled], { shape })];
  },

  lower(node, context) {
    const operator = operatorOf(node);
    const { outer, length, inner } = slabsOfNode(node);
    const targets = [...node.outputs.slice(1), outputOf(node, 0)];
    const lengths = passLengths(length);
    const plans: DispatchPlan[] = [];
    targets.forEach((target, i) => {
      const from = targets[i - 1] ?? inputOf(node, 0);
      const slabs = { outer, length: lengths[i - 1] ?? length, inner };
      const factor = operator === 'mean' && i === targets.length - 1 ? 1 / length : 1;
      const pass = { operation: operator === 'max' ? 'max' : 'sum', segments: lengths[i] ?? 1, factor } as const;
      plans.push(...lowerReducePass(from, target, slabs, pass, context));
    });
    return plans;
  },
};

function operatorOf(node: OpNode): ReduceOperator {
  return choiceAttribute('reduce', node.attributes, 'operator', operators);
}

function axesOf(attributes: Readonly<Record<string, unknown>>, shape: Shape): readonly number[] {
  const axes = numbersAttribute('reduce', attributes, 'axes');
  const [first = -1] = axes;
  const areNeighbours = axes.every((axis, i) => axis === first + i && axis >= 0 && axis < shape.length);
  if (axes.length === 0 || !areNeighbours)
    throw new Error(
      `reduce wants neighbouring axes of [${shape.join(', ')}], got [${axes.join(', ')}]: reduce once for each run`,
    );
  return axes;
}

function slabsOf(shape: Shape, axes: readonly number[]): Slabs {
  const [first = 0] = axes;
  const end = first + axes.length;
  return {
    outer: sizeOf(shape.slice(0, first)),
    length: sizeOf(shape.slice(first, end)),
    inner: sizeOf(shape.slice(end)),
  };
}

function slabsOfNode(node: OpNode): Slabs {
  const { shape } = inputOf(node, 0);
  return slabsOf(shape, axesOf(node.attributes, shape));
}
