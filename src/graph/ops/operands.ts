import type { Values } from '../op.ts';
import type { OpNode, Shape, Tensor, TensorSpec } from '../tensor.ts';

/** The operand that an op cannot do without. */
export function operand(op: string, inputs: readonly (TensorSpec | undefined)[], index: number): TensorSpec {
  const spec = inputs[index];
  if (!spec) throw new Error(`${op} lacks its input ${index}`);
  return spec;
}

/** Output `index` of a node that is known to have it. */
export function outputOf(node: OpNode, index: number): Tensor {
  const tensor = node.outputs[index];
  if (!tensor) throw new Error(`${node.op} has no output ${index}`);
  return tensor;
}

/** Input `index` of a node that is known to have it. */
export function inputOf(node: OpNode, index: number): Tensor {
  const tensor = node.inputs[index];
  if (!tensor) throw new Error(`${node.op} lacks its input ${index}`);
  return tensor;
}

/** The values of an operand of a reference that is known to be given. */
export function valuesOf(inputs: readonly (Values | undefined)[], index: number): Values {
  const values = inputs[index];
  if (!values) throw new Error(`the reference lacks input ${index}`);
  return values;
}

export function requireShape(op: string, what: string, actual: Shape, expected: Shape): void {
  if (actual.length !== expected.length || actual.some((dimension, i) => dimension !== expected[i]))
    throw new Error(`${op} wants ${what} as [${expected.join(', ')}] but it is [${actual.join(', ')}]`);
}
