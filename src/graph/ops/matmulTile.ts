/** Lanes of a workgroup in every matmul kernel. */
export const matmulLanes = 64;

/** What one lane computes, rows × columns of the output. As written in the kernels of shaders/matmul. */
export interface Tile {
  readonly module: string;
  readonly rows: number;
  readonly columns: number;
  /** lanes that do not lie along the columns share the reduction instead of lying along the rows */
  readonly slicesReduction?: boolean;
}

export const tiles = {
  nt: { module: 'matmul/nt', rows: 8, columns: 8 },
  ntPacked: { module: 'matmul/nt_packed', rows: 8, columns: 8 },
  nn: { module: 'matmul/nn', rows: 8, columns: 8 },
  nnPacked: { module: 'matmul/nn_packed', rows: 8, columns: 8 },
  tn: { module: 'matmul/tn', rows: 8, columns: 8 },
  any: { module: 'matmul/any', rows: 4, columns: 4 },
  row: { module: 'matmul/row', rows: 1, columns: 8, slicesReduction: true },
  rowPacked: { module: 'matmul/row_packed', rows: 1, columns: 8, slicesReduction: true },
} as const satisfies Record<string, Tile>;

/** Lanes along the columns of a single row up to this width, in log2: the other lanes of the workgroup share the reduction. */
const narrowRow = { columns: 4096, lanesLog2: 3 };

/**
 * log2 of the lanes that lie along the columns, the others lying along the rows: 8 × 8 where the output has room for it,
 * else as long and thin as the output, so that no lane of a subgroup idles.
 */
export function lanesAlongColumns(tile: Tile, rows: number, columns: number): number {
  const log2 = Math.log2(matmulLanes);
  const needed = (extent: number, side: number) =>
    Math.min(log2, Math.ceil(Math.log2(Math.max(1, Math.ceil(extent / side)))));
  const alongColumns = needed(columns, tile.columns);
  if (tile.slicesReduction)
    return columns <= narrowRow.columns ? Math.min(alongColumns, narrowRow.lanesLog2) : alongColumns;
  const alongRows = needed(rows, tile.rows);
  if (alongColumns < log2 / 2) return alongColumns;
  return alongRows < log2 / 2 ? Math.min(alongColumns, log2 - alongRows) : log2 / 2;
}
