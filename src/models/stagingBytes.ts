import { sizeOf } from '../graph/tensor.ts';
import { isMadeFromFloats } from '../quant/quantise.ts';
import { ringBytes } from '../quant/quantiserRing.ts';
import type { WeightCatalog } from './builder.ts';
import { neededShapes } from './checkpoint.ts';
import type { ModelDescription } from './family.ts';

/**
 * Bytes on the GPU that floats pass through while a model is loaded whose weights are quantised on the way; they are free when it is.
 * @param catalog of the quantised weights
 */
export function stagingBytes(
  { description, catalog }: { readonly description: ModelDescription; readonly catalog: WeightCatalog },
  bindingLimit: number,
  without: ReadonlySet<string> = new Set(),
): number {
  const matrices = [...neededShapes(description).keys()].flatMap((name) => {
    const { shape, format } = catalog.get(name) ?? { shape: [], format: 'f32' as const };
    const [rows = 1, ...rest] = shape;
    return !without.has(name) && isMadeFromFloats(format) ? [{ rows, columns: sizeOf(rest) }] : [];
  });
  return ringBytes(matrices, bindingLimit);
}
