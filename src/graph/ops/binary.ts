import type { DispatchPlan, LoweringContext, OpDefinition, Values } from '../op.ts';
import type { Graph } from '../graph.ts';
import { sameShape, sizeOf, type OpNode, type Shape, type Tensor } from '../tensor.ts';
import { choiceAttribute } from './attributes.ts';
import { broadcastShapes, broadcastStrides, broadcastWindow, elementAt, stretchedRuns } from './broadcast.ts';
import { inputOf, operand, outputOf, valuesOf } from './operands.ts';
import { elementGrid, elementPieces, part } from './pieces.ts';

/** In the order of the kernel's switch. `greater` is 1 where a > b, ½ where they are equal, else 0. */
export const binaryOperators = ['add', 'sub', 'mul', 'div', 'max', 'greater'] as const;
export type BinaryOperator = (typeof binaryOperators)[number];

const compute: Record<BinaryOperator, (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  max: (a, b) => Math.max(a, b),
  greater: (a, b) => (a > b ? 1 : a === b ? 0.5 : 0),
};

/**
 * y = a ∘ b, elementwise with NumPy broadcasting; operands f32 of up to four dimensions where one stretches in the middle.
 * Attribute: operator. Works in a's storage when a has the output's size.
 * Gradients are the calculus of the operator, summed over the stretched dimensions; max gives half to each side of a tie, as torch.maximum.
 */
export const binary: OpDefinition = {
  name: 'binary',
  inPlace: { input: 0 },

  infer(inputs, attributes) {
    choiceAttribute('binary', attributes, 'operator', binaryOperators);
    const a = operand('binary', inputs, 0);
    const b = operand('binary', inputs, 1);
    return [{ shape: broadcastShapes(a.shape, b.shape, 'binary'), dtype: 'f32' }];
  },

  reference(inputs, node) {
    const a = valuesOf(inputs, 0);
    const b = valuesOf(inputs, 1);
    const { shape } = outputOf(node, 0);
    const evaluate = compute[operatorOf(node)];
    const [aStrides, bStrides] = node.inputs.map((input) => broadcastStrides(input?.shape ?? [], shape));
    const at = (values: Values, i: number, strides: readonly number[] = []) =>
      values[elementAt(i, shape, strides)] ?? NaN;
    return [Float64Array.from({ length: sizeOf(shape) }, (_, i) => evaluate(at(a, i, aStrides), at(b, i, bStrides)))];
  },

  gradient(graph, node, [dy], needs) {
    const a = inputOf(node, 0);
    const b = inputOf(node, 1);
    if (!dy) return [];
    const [da, db] = operandGradients(graph, operatorOf(node), a, b, dy, needs);
    return [da && sumTo(graph, da, a.shape), db && sumTo(graph, db, b.shape)];
  },

  lower(node, context) {
    const a = inputOf(node, 0);
    const b = inputOf(node, 1);
    return lowerBinary(operatorOf(node), a, b, outputOf(node, 0), context);
  },
};

function operatorOf(node: OpNode): BinaryOperator {
  return choiceAttribute('binary', node.attributes, 'operator', binaryOperators);
}

function operandGradients(
  graph: Graph,
  operator: BinaryOperator,
  a: Tensor,
  b: Tensor,
  dy: Tensor,
  [needsA, needsB]: readonly boolean[],
): [Tensor | undefined, Tensor | undefined] {
  const apply = (name: BinaryOperator, left: Tensor, right: Tensor) =>
    graph.one('binary', [left, right], { operator: name });
  switch (operator) {
    case 'add':
      return [dy, dy];
    case 'sub':
      return [dy, needsB ? graph.one('scale', [dy], { factor: -1 }) : undefined];
    case 'mul':
      return [needsA ? apply('mul', dy, b) : undefined, needsB ? apply('mul', dy, a) : undefined];
    case 'div': {
      const da = apply('div', dy, b);
      if (!needsB) return [da, undefined];
      const quotient = apply('div', a, b);
      return [da, graph.one('scale', [apply('mul', da, quotient)], { factor: -1 })];
    }
    case 'max':
      return [
        needsA ? apply('mul', dy, apply('greater', a, b)) : undefined,
        needsB ? apply('mul', dy, apply('greater', b, a)) : undefined,
      ];
    case 'greater':
      return [undefined, undefined];
  }
}

/** Sums a gradient over the dimensions along which an operand of `shape` was stretched. */
export function sumTo(graph: Graph, gradient: Tensor, shape: Shape): Tensor {
  if (sameShape(gradient.shape, shape)) return gradient;
  const sums = stretchedRuns(shape, gradient.shape).reduce(
    (sum, axes) => graph.one('reduce', [sum], { operator: 'sum', axes, keepDims: true }),
    gradient,
  );
  return graph.reshape(sums, shape);
}

const flopsEach = 4;

/** y = a ∘ b, or y = y ∘ b when a is undefined. */
export function lowerBinary(
  operator: BinaryOperator,
  a: Tensor | undefined,
  b: Tensor,
  y: Tensor,
  context: LoweringContext,
): DispatchPlan[] {
  const inPlace = a === undefined || sizeOf(a.shape) === sizeOf(y.shape);
  const left = placement(a ?? y, y.shape);
  const right = placement(b, y.shape);
  const conditions = { broadcast: !(inPlace && right.isWhole), strided: left.isStrided || right.isStrided };
  return elementPieces(sizeOf(y.shape), context, flopsEach).map((piece) => {
    const words = ({ divisor, modulus, isWhole }: Placement) => [divisor, modulus, isWhole ? piece.start : 0, 0];
    const bind = (tensor: Tensor, { isWhole }: Placement) => (isWhole ? part(tensor, piece) : { tensor });
    return {
      kernel: { module: 'elementwise/binary', conditions },
      params: [
        ...[piece.count, piece.start, binaryOperators.indexOf(operator), inPlace ? 1 : 0],
        ...words(left),
        ...words(right),
        ...lastFour(y.shape, 1),
        ...lastFour(left.strides, 0),
        ...lastFour(right.strides, 0),
      ],
      bindings: { 1: part(y, piece), 2: bind(b, right), 3: inPlace || !a ? undefined : bind(a, left) },
      grid: elementGrid(piece.count),
      flops: piece.count * flopsEach,
    };
  });
}

/** How the kernel finds an operand's element: see Params in the kernel. */
interface Placement {
  /** as large as the output: bound in the same range */
  readonly isWhole: boolean;
  /** stretches between dimensions that do not */
  readonly isStrided: boolean;
  readonly divisor: number;
  readonly modulus: number;
  readonly strides: readonly number[];
}

function placement(tensor: Tensor, output: Shape): Placement {
  const strides = broadcastStrides(tensor.shape, output);
  const isWhole = sizeOf(tensor.shape) === sizeOf(output);
  const window = broadcastWindow(tensor.shape, output);
  if (window) return { isWhole, isStrided: false, ...window, strides };
  if (output.length > 4)
    throw new Error(
      `binary cannot broadcast [${tensor.shape.join(', ')}] to [${output.join(', ')}]: more than four dimensions`,
    );
  return { isWhole, isStrided: true, divisor: 1, modulus: 1, strides };
}

function lastFour(values: readonly number[], filler: number): number[] {
  return [filler, filler, filler, filler, ...values].slice(-4);
}
