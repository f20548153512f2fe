import type { Adapter, MergeTarget, ParameterValues } from '../method.ts';
import { keyPrefix } from '../savedModules.ts';
import { scaleOf } from './scale.ts';
import { columnSquares, plusProduct, rowSquares, transposed } from './weights.ts';

/**
 * W + s B A of a linear, E + s (B A)ᵀ of an embedding, b + s · the bias of B; with DoRA each output scaled to its magnitude, biases
 * apart. What a start has taken out of the weight is taken out here too.
 */
export function mergeLora(
  { config }: Adapter,
  parameters: ParameterValues,
  target: MergeTarget,
): Float32Array | undefined {
  const key = `${keyPrefix}${target.modulePath}.lora_`;
  const [rows = 0, columns = 0] = target.shape;
  const scale = (rank: number) => scaleOf(config, target.modulePath, rank);
  const magnitude = parameters.get(`${key}magnitude_vector`);
  const [a, b] = [parameters.get(`${key}A.weight`), parameters.get(`${key}B.weight`)];
  if (target.name.endsWith('.bias')) {
    const bias = parameters.get(`${key}B.bias`);
    if (!bias || !b) return undefined;
    return target.data.map((x, i) => x + scale(b.length / rows) * (bias[i] ?? 0));
  }
  if (a && b) {
    const by = scale(a.length / columns);
    const [takenA, takenB] = [parameters.get(`${key}A.start`), parameters.get(`${key}B.start`)];
    const left = takenA && takenB ? plusProduct(target.data, takenB, takenA, -by, columns) : target.data;
    const updated = plusProduct(left, b, a, by, columns);
    if (!magnitude) return updated;
    const squares = rowSquares(updated, columns);
    return updated.map((x, i) => x * ratio(magnitude, squares, Math.floor(i / columns)));
  }
  const [tableA, tableB] = [parameters.get(`${key}embedding_A`), parameters.get(`${key}embedding_B`)];
  if (!tableA || !tableB) return undefined;
  const rank = tableA.length / rows;
  const updated = plusProduct(target.data, tableA, transposed(tableB, rank), scale(rank), columns);
  if (!magnitude) return updated;
  const squares = columnSquares(updated, columns);
  return updated.map((x, i) => x * ratio(magnitude, squares, i % columns));
}

function ratio(magnitude: Float32Array, squares: Float64Array, output: number): number {
  return (magnitude[output] ?? 0) / Math.sqrt(squares[output] ?? 1);
}
