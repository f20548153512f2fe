import type { FormatName } from '../../quant/format.ts';
import type { LoweringContext, Shard, TensorBinding } from '../op.ts';
import { storageOf, type Tensor } from '../tensor.ts';

/** The right operand of a matmul or the table of an embedding: in which format it lies, and in which shards of rows. */
export interface WeightOperand {
  readonly format: FormatName;
  /** words of four neighbouring rows lie side by side (q8_0, q4_0, q4_1) */
  readonly isPacked: boolean;
  /** the module under shaders/ to plug in as `weight` */
  readonly decoder: string;
  readonly shards: readonly Shard[];
  /** bindings of a shard's planes: values, and scales where the format has them */
  planes(shard: number): readonly [TensorBinding, TensorBinding | undefined];
}

const decoders: Readonly<Record<FormatName, string>> = {
  f32: 'quant/f32',
  f16: 'quant/f16',
  bf16: 'quant/bf16',
  q8_0: 'quant/q8_0',
  q4_0: 'quant/q4',
  q4_1: 'quant/q4',
};

/** Any tensor as an operand that a kernel reads through a decoder; all but weights are f32. */
export function weightOperand(tensor: Tensor, context: LoweringContext): WeightOperand {
  const { tensor: owner, offset } = storageOf(tensor);
  const format = owner.origin.kind === 'weight' ? owner.origin.format : 'f32';
  const isPacked = format === 'q8_0' || format === 'q4_0' || format === 'q4_1';
  const isLeaf = owner.origin.kind === 'weight' || owner.origin.kind === 'parameter';
  const shards = isLeaf && offset === 0 ? context.shards(owner) : [{ rowStart: 0, rowCount: tensor.shape[0] ?? 1 }];
  const isPart = owner.shape[0] !== tensor.shape[0];
  if (isPart && (format !== 'f32' || shards.length > 1)) {
    throw new Error(
      `a part [${tensor.shape.join(', ')}] of a weight [${owner.shape.join(', ')}] in ${format} cannot be multiplied; slice by whole weights`,
    );
  }
  return {
    format,
    isPacked,
    decoder: decoders[format],
    shards,
    planes(shard) {
      if (!isLeaf || isPart) return [{ tensor }, undefined];
      const values = { tensor, shard, plane: 0 };
      return [values, isPacked ? { tensor, shard, plane: 1 } : undefined];
    },
  };
}
