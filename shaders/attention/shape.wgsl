// What every attention kernel knows of its operands, and which keys a query sees. Written by src/graph/ops/attentionShape.ts.
// Heads are read in groups of four values ("columns"). With VECTOR the head size is a multiple of four and rows are arrays of vec4f;
// without it they are arrays of f32 and `row_stride` counts single values.

import package::step::step;

struct Shape {
  batches: u32,
  query_rows: u32,   // Tq
  key_rows: u32,     // S, virtual prefix included
  query_heads: u32,
  key_heads: u32,
  head_size: u32,
  columns: u32,      // ⌈head_size / 4⌉
  row_stride: u32,   // elements of one head's row
  column_blocks: u32, // workgroups that share a tile, each with 16 columns of the output
  prefix: u32,       // the first rows of keys and values: seen by every query, without a position
  ahead: u32,        // keys after the query that it sees: 0 = causal
  behind: u32,       // keys up to and including its own that it sees: the sliding window
  first_item: u32,   // of the tiles of this dispatch
  last_item: u32,
  scale: f32,
}

const TILE = 32u;
const LOWEST = -1e30;

@group(0) @binding(0) var<uniform> shape: Shape;

/// Of four pairs of a key row and an absolute query position: does the query see the key?
fn sees(positions: vec4u, keys: vec4u, length: u32) -> vec4<bool> {
  let at = keys - shape.prefix;
  let within = (at < vec4u(length)) & (at <= positions + shape.ahead) & (positions < at + shape.behind);
  return within | (keys < vec4u(shape.prefix));
}

/// Real keys (prefix not counted) of one row of the batch.
fn key_length(given: u32) -> u32 {
  return min(given, shape.key_rows - shape.prefix);
}

/// One past the last key row that any of the queries [first, first + TILE) sees.
fn key_limit(first_query: u32, length: u32) -> u32 {
  let last_query = min(first_query + TILE, shape.query_rows) - 1u;
  return shape.prefix + min(length, step.query_offset + last_query + 1u + shape.ahead);
}

/// The first real key row, as counted with the prefix, that any query from `first_query` on sees.
fn key_start(first_query: u32) -> u32 {
  let position = step.query_offset + first_query + 1u;
  return shape.prefix + position - min(position, shape.behind);
}

/// The next tile of keys at or after `key`: past the prefix it jumps to where the window starts.
fn skip_to_window(key: u32, start: u32) -> u32 {
  return select(key, max(key, start), key >= shape.prefix);
}

/// A row of queries or of outputs; rows beyond the last are read as the last and masked by the caller.
fn query_row(batch: u32, row: u32, head: u32) -> u32 {
  return ((batch * shape.query_rows + min(row, shape.query_rows - 1u)) * shape.query_heads + head) * shape.row_stride;
}

/// A row of keys or of values.
fn key_row(batch: u32, row: u32, head: u32) -> u32 {
  return ((batch * shape.key_rows + min(row, shape.key_rows - 1u)) * shape.key_heads + head) * shape.row_stride;
}

/// Zeroes what a group of four values holds beyond the head (head sizes that are no multiple of four).
fn within_head(column: u32, values: vec4f) -> vec4f {
  return select(vec4f(), values, vec4u(4u * column) + vec4u(0u, 1u, 2u, 3u) < vec4u(shape.head_size));
}
