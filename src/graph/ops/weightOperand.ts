import type { FormatName } from '../../quant/format.ts';
import { formatOf } from '../../quant/registry.ts';
import type { KernelSpec } from '../../gpu/kernel.ts';
import type { LoweringContext, Shard, TensorBinding } from '../op.ts';
import { asMatrix, storageOf, type Tensor } from '../tensor.ts';

/** The right operand of a matmul or the table of an embedding: in which format it lies, and in which shards of rows. */
export interface WeightOperand {
  readonly format: FormatName;
  /** a block format: words of four neighbouring rows lie side by side */
  readonly isPacked: boolean;
  /** what a kernel that imports `weight` is linked with */
  readonly decoder: Required<Pick<KernelSpec, 'plugins' | 'conditions'>>;
  readonly shards: readonly Shard[];
  /** a shard's planes at the bindings of the decoder */
  planes(shard: number): WeightBindings;
}

/** Where a decoder reads a format's planes, in their order. */
const planeBindings = [2, 3, 6] as const;

export type WeightBindings = Readonly<Partial<Record<(typeof planeBindings)[number], TensorBinding>>>;

/** Any tensor as an operand that a kernel reads through a decoder; all but weights are f32. */
export function weightOperand(tensor: Tensor, context: LoweringContext): WeightOperand {
  const { tensor: owner, offset } = storageOf(tensor);
  const format = owner.origin.kind === 'weight' ? owner.origin.format : 'f32';
  const { planes, rowGroup, decoder } = formatOf(format);
  const isLeaf = owner.origin.kind === 'weight' || owner.origin.kind === 'parameter';
  const stored = isLeaf && offset === 0 && owner.shape.length === 2 ? context.shards(owner) : [];
  const isPart = owner.shape[0] !== tensor.shape[0];
  const shards = isPart || stored.length === 0 ? [{ rowStart: 0, rowCount: asMatrix(tensor.shape).rows }] : stored;
  if (isPart && (format !== 'f32' || stored.length > 1)) {
    throw new Error(
      `a part [${tensor.shape.join(', ')}] of a weight [${owner.shape.join(', ')}] in ${format} cannot be multiplied; slice by whole weights`,
    );
  }
  return {
    format,
    isPacked: rowGroup > 1,
    decoder: { plugins: { weight: decoder.module }, conditions: decoder.conditions ?? {} },
    shards,
    planes(shard) {
      if (!isLeaf || isPart) return { [planeBindings[0]]: { tensor } };
      return Object.fromEntries(planes.map((_, plane) => [planeBindings[plane], { tensor, shard, plane }]));
    },
  };
}
