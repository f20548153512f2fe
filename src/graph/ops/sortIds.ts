/** Rows of a batch grouped by token id, so that the embedding's gradient needs no atomics. */
export interface SortedIds {
  /** [M] row indices, ascending by id and then by row */
  readonly order: Uint32Array<ArrayBuffer>;
  /** [M + 1] where the rows of the i-th distinct id start in `order`; M where there are fewer distinct ids */
  readonly starts: Uint32Array<ArrayBuffer>;
}

/** Sorts the ids of a batch [M]. Stable, so that sums over the rows of an id have a fixed order. */
export function sortIds(ids: Uint32Array): SortedIds {
  const count = ids.length;
  const order = Uint32Array.from({ length: count }, (_, i) => i).sort((a, b) => (ids[a] ?? 0) - (ids[b] ?? 0) || a - b);
  const starts = new Uint32Array(count + 1).fill(count);
  let distinct = 0;
  for (let i = 0; i < count; i++) {
    if (i === 0 || ids[order[i] ?? 0] !== ids[order[i - 1] ?? 0]) starts[distinct++] = i;
  }
  return { order, starts };
}
