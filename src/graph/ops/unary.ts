import type { DispatchPlan, LoweringContext, OpDefinition } from '../op.ts';
import { sizeOf, type OpNode, type Tensor } from '../tensor.ts';
import { choiceAttribute, numberAttribute } from './attributes.ts';
import { inputOf, operand, outputOf, valuesOf } from './operands.ts';
import { elementGrid, elementPieces, part } from './pieces.ts';

interface UnaryFunction {
  readonly evaluate: (x: number) => number;
  /** the derivative, from x or from y = f(x) as `saved` says */
  readonly slope: (saved: number) => number;
  readonly saved: 'x' | 'y';
}

/** In the order of the kernels' switch, whose case 0 is `scale`. */
const functions = {
  exp: { evaluate: Math.exp, slope: (y) => y, saved: 'y' },
  log: { evaluate: Math.log, slope: (x) => 1 / x, saved: 'x' },
  sqrt: { evaluate: Math.sqrt, slope: (y) => 0.5 / y, saved: 'y' },
  rsqrt: { evaluate: (x) => 1 / Math.sqrt(x), slope: (y) => -0.5 * y ** 3, saved: 'y' },
  square: { evaluate: (x) => x * x, slope: (x) => 2 * x, saved: 'x' },
  abs: { evaluate: Math.abs, slope: Math.sign, saved: 'x' },
  sign: { evaluate: Math.sign, slope: () => 0, saved: 'x' },
  reciprocal: { evaluate: (x) => 1 / x, slope: (y) => -y * y, saved: 'y' },
  tanh: { evaluate: Math.tanh, slope: (y) => 1 - y * y, saved: 'y' },
  sigmoid: { evaluate: (x) => 1 / (1 + Math.exp(-x)), slope: (y) => y * (1 - y), saved: 'y' },
  relu: { evaluate: (x) => Math.max(x, 0), slope: (x) => (x > 0 ? 1 : 0), saved: 'x' },
  sin: { evaluate: Math.sin, slope: Math.cos, saved: 'x' },
  cos: { evaluate: Math.cos, slope: (x) => -Math.sin(x), saved: 'x' },
} as const satisfies Record<string, UnaryFunction>;

export type UnaryOperator = keyof typeof functions;
const operators = Object.keys(functions) as UnaryOperator[];
const flopsEach = 4;

/** y = f(x), elementwise. Attribute: operator. Works in x's storage. The gradient reads x or y, whichever gives f′ the cheaper. */
export const unary: OpDefinition = {
  name: 'unary',
  inPlace: { input: 0 },

  infer(inputs, attributes) {
    choiceAttribute('unary', attributes, 'operator', operators);
    return [operand('unary', inputs, 0)];
  },

  reference(inputs, node) {
    const { evaluate } = functions[operatorOf(node)];
    return [Float64Array.from(valuesOf(inputs, 0), (x) => evaluate(x))];
  },

  gradient(graph, node, [dy]) {
    const saved = functions[operatorOf(node)].saved === 'x' ? node.inputs[0] : node.outputs[0];
    return [dy && graph.one('unaryGradient', [dy, saved], node.attributes)];
  },

  lower(node, context) {
    return lowerUnary(outputOf(node, 0), operatorOf(node), 1, context);
  },
};

/** dx = dy · f′(saved), for the gradient of `unary`: operands dy and what that op saves. Works in dy's storage. */
export const unaryGradient: OpDefinition = {
  name: 'unaryGradient',
  inPlace: { input: 0 },

  infer(inputs) {
    return [operand('unaryGradient', inputs, 0)];
  },

  reference(inputs, node) {
    const { slope } = functions[operatorOf(node)];
    const saved = valuesOf(inputs, 1);
    return [Float64Array.from(valuesOf(inputs, 0), (dy, i) => dy * slope(saved[i] ?? NaN))];
  },

  lower(node, context) {
    const dx = outputOf(node, 0);
    const saved = inputOf(node, 1);
    const operation = operators.indexOf(operatorOf(node)) + 1;
    return elementPieces(sizeOf(dx.shape), context, flopsEach).map((piece) => ({
      kernel: { module: 'elementwise/unary_gradient', constants: { operation: `${operation}u` } },
      params: [piece.count],
      bindings: { 1: part(dx, piece), 2: part(saved, piece) },
      grid: elementGrid(piece.count),
      flops: piece.count * flopsEach,
    }));
  },
};

/** y = factor · x. Attribute: factor, a number. Works in x's storage. */
export const scale: OpDefinition = {
  name: 'scale',
  inPlace: { input: 0 },

  infer(inputs, attributes) {
    numberAttribute('scale', attributes, 'factor');
    return [operand('scale', inputs, 0)];
  },

  reference(inputs, node) {
    const factor = numberAttribute('scale', node.attributes, 'factor');
    return [Float64Array.from(valuesOf(inputs, 0), (x) => factor * x)];
  },

  gradient(graph, node, [dy]) {
    return [dy && graph.one('scale', [dy], node.attributes)];
  },

  lower(node, context) {
    return lowerUnary(outputOf(node, 0), undefined, numberAttribute('scale', node.attributes, 'factor'), context);
  },
};

function operatorOf(node: OpNode): UnaryOperator {
  return choiceAttribute(node.op, node.attributes, 'operator', operators);
}

/** y = f(y), or factor · y without an operator. */
function lowerUnary(
  y: Tensor,
  operator: UnaryOperator | undefined,
  factor: number,
  context: LoweringContext,
): DispatchPlan[] {
  const operation = operator === undefined ? 0 : operators.indexOf(operator) + 1;
  return elementPieces(sizeOf(y.shape), context, flopsEach).map((piece) => ({
    kernel: { module: 'elementwise/unary', constants: { operation: `${operation}u` } },
    params: [piece.count, { f: factor }],
    bindings: { 1: part(y, piece) },
    grid: elementGrid(piece.count),
    flops: piece.count * flopsEach,
  }));
}
