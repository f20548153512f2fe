/** The products of SmolLM2-135M's linears: what every contest multiplies. */

export type Direction = 'forward' | 'backward';

/**
 * One product with a weight as Hugging Face stores it, [outFeatures, inFeatures].
 * forward: x [rows, inFeatures] · weightᵀ → [rows, outFeatures]; backward: dy [rows, outFeatures] · weight → [rows, inFeatures].
 */
export interface Product {
  readonly direction: Direction;
  readonly rows: number;
  readonly inFeatures: number;
  readonly outFeatures: number;
}

type Linear = readonly [rows: number, inFeatures: number, outFeatures: number];

const common: readonly Linear[] = [
  [64, 576, 576],
  [64, 576, 192],
  [64, 576, 1536],
  [64, 1536, 576],
  [256, 576, 1536],
];
const rest: readonly Linear[] = [
  [256, 576, 576],
  [256, 576, 192],
  [256, 1536, 576],
  [64, 576, 49152],
];

/** Both directions of the common linears; with `all` also of the longer ones, the head among them. */
export function products(all: boolean): Product[] {
  return (all ? [...common, ...rest] : common).flatMap(([rows, inFeatures, outFeatures]) =>
    (['forward', 'backward'] as const).map((direction) => ({ direction, rows, inFeatures, outFeatures })),
  );
}

/** Columns of the left operand, over which the product sums, and of the result. */
export function extents({ direction, inFeatures, outFeatures }: Product): { depth: number; columns: number } {
  return direction === 'forward'
    ? { depth: inFeatures, columns: outFeatures }
    : { depth: outFeatures, columns: inFeatures };
}

export function flopsOf({ rows, inFeatures, outFeatures }: Product): number {
  return 2 * rows * inFeatures * outFeatures;
}

export const symbols: Readonly<Record<Direction, string>> = { forward: 'x·Wᵀ', backward: 'dy·W' };

/** rows × depth × columns */
export function nameOf(product: Product): string {
  const { depth, columns } = extents(product);
  return `${symbols[product.direction]}  ${product.rows}×${depth}×${columns}`;
}
