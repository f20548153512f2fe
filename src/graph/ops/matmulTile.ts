/** Lanes of a workgroup in every matmul kernel. */
export const matmulLanes = 64;

/** What one lane computes, rows × columns of the output. As written in the kernels of shaders/matmul. */
export interface Tile {
  readonly module: string;
  readonly rows: number;
  readonly columns: number;
}

export const tiles = {
  nt: { module: 'matmul/nt', rows: 8, columns: 8 },
  ntPacked: { module: 'matmul/nt_packed', rows: 4, columns: 8 },
  nn: { module: 'matmul/nn', rows: 8, columns: 8 },
  nnPacked: { module: 'matmul/nn_packed', rows: 8, columns: 8 },
  tn: { module: 'matmul/tn', rows: 8, columns: 8 },
} as const satisfies Record<string, Tile>;

/**
 * log2 of the lanes that lie along the columns, the others lying along the rows: 8 × 8 where the output has room for it,
 * else as long and thin as the output, so that no lane of a subgroup idles.
 */
export function lanesAlongColumns(tile: Tile, rows: number, columns: number): number {
  const log2 = Math.log2(matmulLanes);
  const needed = (extent: number, side: number) => Math.min(log2, Math.ceil(Math.log2(Math.max(1, Math.ceil(extent / side)))));
  const alongColumns = needed(columns, tile.columns);
  const alongRows = needed(rows, tile.rows);
  if (alongColumns < log2 / 2) return alongColumns;
  return alongRows < log2 / 2 ? Math.min(alongColumns, log2 - alongRows) : log2 / 2;
}
