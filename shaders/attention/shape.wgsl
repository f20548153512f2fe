// What every attention kernel knows of its operands, and which keys a query sees. Written by src/graph/ops/attentionShape.ts.
// Heads are read in groups of four values ("columns"). With VECTOR the head size is a multiple of four and rows are arrays of vec4f;
// without it they are arrays of f32 and `row_stride` counts single values.
//   4 lengths u32 [B], the real keys of each batch row; or, with packed segments, [B, 1 + S − prefix]: behind the length, for each
//     position the first position of its own segment, before which a query there sees no key

import package::step::step;

struct Shape {
  query_rows: u32,   // Tq
  key_rows: u32,     // S, virtual prefix included
  key_heads: u32,
  shared_heads: u32, // query heads that read one key head
  head_size: u32,
  columns: u32,      // ⌈head_size / 4⌉
  row_stride: u32,   // elements of one head's row
  prefix: u32,       // the first rows of keys and values: virtual ones, at the positions −prefix … −1
  ahead: u32,        // keys after the query that it sees: 0 = causal
  behind: u32,       // keys up to and including its own that it sees: the sliding window
  first_item: u32,   // of the tiles of this dispatch
  last_item: u32,
  lanes: u32,        // of the 64 in a workgroup, those that share four rows; as a loop's bound it keeps compilers from unrolling
  column_lanes: u32, // of those, the ones that share the output's columns, two each; the others take the inner rows by turns
  scale: f32,
  length_stride: u32, // words of lengths for one batch row: 1, or with segments 1 + S − prefix
  @if(CAP) cap: f32,           // scores stay within ± this
  @if(BIAS) bias_reach: u32,   // the farthest distance that the bias table tells apart
  @if(BIAS) key_elements: u32, // of all keys: where the gradients of the values start behind those of the keys
}

const LOWEST = -1e30;

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(4) var<storage, read> lengths: array<u32>;

/// Rows of queries that read one key head. Row r is head r mod shared_heads of query r / shared_heads: heads that share keys lie in one
/// tile, so that a tile is full even where there is one query, and a tile's queries are near one another.
fn all_rows() -> u32 {
  return shape.query_rows * shape.shared_heads;
}

/// The first position that a query sees: where its window or its segment starts, prefix not counted.
fn first_seen(batch: u32, position: u32) -> u32 {
  let window_start = position + 1u - min(position + 1u, shape.behind);
  if (shape.length_stride == 1u) {
    return window_start;
  }
  let segment_start = lengths[batch * shape.length_stride + min(position + 1u, shape.length_stride - 1u)];
  return max(window_start, segment_start);
}

/// Of four pairs of a key row and an absolute query position with the first that it sees: does the query see the key? One of the prefix it
/// sees as far as its window reaches.
fn sees(firsts: vec4u, positions: vec4u, keys: vec4u, length: u32) -> vec4<bool> {
  let at = keys - shape.prefix;
  let within = (at < vec4u(length)) & (at <= positions + shape.ahead) & (at >= firsts);
  return within | ((keys < vec4u(shape.prefix)) & (positions + shape.prefix - keys < vec4u(shape.behind)));
}

/// Scores as the softmax takes them: with CAP as cap · tanh(s / cap). tanh is 1 in f32 long before drivers overflow in it.
fn capped(scores: vec4f) -> vec4f {
  @if(CAP) return shape.cap * tanh(clamp(scores / shape.cap, vec4f(-20.0), vec4f(20.0)));
  @if(!CAP) return scores;
}

/// The gradient of scores from that of what `capped` made of them.
fn through_cap(gradients: vec4f, capped_scores: vec4f) -> vec4f {
  @if(CAP) let shares = capped_scores / shape.cap;
  @if(CAP) return gradients * (1.0 - shares * shares);
  @if(!CAP) return gradients;
}

/// Real keys (prefix not counted) of one row of the batch.
fn key_length(batch: u32) -> u32 {
  return min(lengths[batch * shape.length_stride], shape.key_rows - shape.prefix);
}

/// One past the last key row that any of the rows up to `last_row` sees.
fn key_limit(last_row: u32, length: u32) -> u32 {
  let last_query = min(last_row, all_rows() - 1u) / shape.shared_heads;
  return shape.prefix + min(length, step.query_offset + last_query + 1u + shape.ahead);
}

/// The first real key row, as counted with the prefix, that any row from `first_row` on sees.
fn key_start(batch: u32, first_row: u32) -> u32 {
  return shape.prefix + first_seen(batch, step.query_offset + first_row / shape.shared_heads);
}

/// The next tile of keys at or after `key`: past the prefix it jumps to where the window or the segment starts.
fn skip_to_window(key: u32, start: u32) -> u32 {
  return select(key, max(key, start), key >= shape.prefix);
}

/// Of four rows of queries: where each starts in [B, Tq, heads, head_size], where its lse lies in [B, heads, Tq], its position,
/// and the first position that it sees.
/// With BIAS also where its head's row of the bias table starts.
struct QueryRows {
  starts: vec4u,
  statistics: vec4u,
  positions: vec4u,
  firsts: vec4u,
  @if(BIAS) biases: vec4u,
}

/// The rows row … row + 3. Those beyond the last are read as the last and masked by the caller. One division for all of it: software
/// drivers take a vector of integers apart to divide.
fn query_rows(batch: u32, row: u32, key_head: u32) -> QueryRows {
  let rows = min(row + vec4u(0u, 1u, 2u, 3u), vec4u(all_rows() - 1u));
  let queries = rows / shape.shared_heads;
  let members = rows - queries * shape.shared_heads;
  let starts = ((batch * shape.query_rows + queries) * shape.key_heads + key_head) * shape.shared_heads + members;
  let heads = (batch * shape.key_heads + key_head) * shape.shared_heads + members;
  @if(BIAS) let biases = (key_head * shape.shared_heads + members) * (2u * shape.bias_reach + 1u);
  let statistics = heads * shape.query_rows + queries;
  let positions = step.query_offset + queries;
  let firsts = vec4u(
    first_seen(batch, positions.x),
    first_seen(batch, positions.y),
    first_seen(batch, positions.z),
    first_seen(batch, positions.w),
  );
  @if(BIAS) return QueryRows(starts * shape.row_stride, statistics, positions, firsts, biases);
  @if(!BIAS) return QueryRows(starts * shape.row_stride, statistics, positions, firsts);
}

/// Where a row of keys or of values starts.
fn key_row(batch: u32, row: u32, head: u32) -> u32 {
  return ((batch * shape.key_rows + min(row, shape.key_rows - 1u)) * shape.key_heads + head) * shape.row_stride;
}

/// One of four by number: keeps a kernel to one store in a loop.
fn pick(r: u32, v0: vec4f, v1: vec4f, v2: vec4f, v3: vec4f) -> vec4f {
  return select(select(v0, v1, r == 1u), select(v2, v3, r == 3u), r > 1u);
}

/// Zeroes what a group of four values holds beyond the head (head sizes that are no multiple of four).
fn within_head(column: u32, values: vec4f) -> vec4f {
  return select(vec4f(), values, vec4u(4u * column) + vec4u(0u, 1u, 2u, 3u) < vec4u(shape.head_size));
}
