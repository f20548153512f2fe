// Flash attention, forward. For each head h (its keys are head h / (query_heads / key_heads)), with the keys j that query i sees:
//   s_ij = scale · q_i·k_j,   lse_i = log Σ_j exp(s_ij),   o_i = Σ_j exp(s_ij − lse_i) v_j
// No [Tq, S] matrix is stored: running maximum m and sum l, o rescaled when m grows. A query that sees no key: o = 0, lse = 0.
//   1 query f32 [B, Tq, query_heads, head_size]   2 key   3 value f32 [B, S, key_heads, head_size]   4 lengths u32 [B]
//   5 output f32 like query   6 lse f32 [B, query_heads, Tq]
// One workgroup of 64 = 8 × 8 lanes for 32 queries of one head (and 16 columns of the output), walking tiles of 32 keys.
//   scores: a lane holds 4 queries × 4 keys in registers; their maxima and then the weights go through workgroup memory (5 KB);
//   output: the same lane holds the same 4 queries × 2 columns, so that m, l and the rescaling never leave its registers.
// Sources: Dao et al., "FlashAttention" (2022); the online sum is Milakov & Gimelshein's (2018).

import package::attention::shape::{shape, sees, key_length, key_limit, key_start, skip_to_window, query_row, key_row, within_head, TILE, LOWEST};
import package::step::step;

@if(VECTOR) alias Element = vec4f;
@else alias Element = f32;

@group(0) @binding(1) var<storage, read> query: array<Element>;
@group(0) @binding(2) var<storage, read> key: array<Element>;
@group(0) @binding(3) var<storage, read> value: array<Element>;
@group(0) @binding(4) var<storage, read> lengths: array<u32>;
@group(0) @binding(5) var<storage, read_write> output: array<Element>;
@group(0) @binding(6) var<storage, read_write> lse: array<f32>;

var<workgroup> lane_values: array<vec4f, 64>; // of each lane's four queries: the maximum of a tile, in the end the sum
var<workgroup> weights: array<vec4f, 256>;    // [32 keys][8 groups of four queries]

fn query_at(row: u32, column: u32) -> vec4f {
  @if(VECTOR) return query[row + column];
  @if(!VECTOR) let i = row + 4u * column;
  @if(!VECTOR) return within_head(column, vec4f(query[i], query[i + 1u], query[i + 2u], query[i + 3u]));
}

fn key_at(row: u32, column: u32) -> vec4f {
  @if(VECTOR) return key[row + column];
  @if(!VECTOR) let i = row + 4u * column;
  @if(!VECTOR) return within_head(column, vec4f(key[i], key[i + 1u], key[i + 2u], key[i + 3u]));
}

fn value_at(row: u32, column: u32) -> vec4f {
  @if(VECTOR) return value[row + column];
  @if(!VECTOR) let i = row + 4u * column;
  @if(!VECTOR) return within_head(column, vec4f(value[i], value[i + 1u], value[i + 2u], value[i + 3u]));
}

fn store(row: u32, column: u32, values: vec4f) {
  @if(VECTOR) output[row + column] = values;
  @if(!VECTOR) for (var d = 0u; d < min(4u, shape.head_size - 4u * column); d++) {
    output[row + 4u * column + d] = values[d];
  }
}

/// The larger, or the sum, over the eight lanes that share four queries; in the order of the lanes.
fn largest_of_lanes(group: u32) -> vec4f {
  let i = group * 8u;
  let low = max(max(lane_values[i], lane_values[i + 1u]), max(lane_values[i + 2u], lane_values[i + 3u]));
  let high = max(max(lane_values[i + 4u], lane_values[i + 5u]), max(lane_values[i + 6u], lane_values[i + 7u]));
  return max(low, high);
}

fn sum_of_lanes(group: u32) -> vec4f {
  let i = group * 8u;
  let low = (lane_values[i] + lane_values[i + 1u]) + (lane_values[i + 2u] + lane_values[i + 3u]);
  let high = (lane_values[i + 4u] + lane_values[i + 5u]) + (lane_values[i + 6u] + lane_values[i + 7u]);
  return low + high;
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let item = shape.first_item + workgroup.y * workgroups.x + workgroup.x;
  if (item >= shape.last_item) {
    return;
  }
  let tiles = (shape.query_rows + TILE - 1u) / TILE;
  let block = item % shape.column_blocks;
  let first_query = (item / shape.column_blocks % tiles) * TILE;
  let head = item / (shape.column_blocks * tiles) % shape.query_heads;
  let batch = item / (shape.column_blocks * tiles * shape.query_heads);
  let key_head = head / (shape.query_heads / shape.key_heads);
  let length = key_length(lengths[batch]);
  let limit = key_limit(first_query, length);
  let start = key_start(first_query);

  let group = local / 8u;
  let lane = local % 8u;
  let row = first_query + 4u * group;
  let positions = vec4u(step.query_offset + row) + vec4u(0u, 1u, 2u, 3u);
  let query0 = query_row(batch, row, head);
  let query1 = query_row(batch, row + 1u, head);
  let query2 = query_row(batch, row + 2u, head);
  let query3 = query_row(batch, row + 3u, head);
  let column_a = block * 16u + lane;
  let column_b = column_a + 8u;
  let read_a = min(column_a, shape.columns - 1u);
  let read_b = min(column_b, shape.columns - 1u);
  let two_columns = block * 16u + 8u < shape.columns;

  var highest = vec4f(LOWEST);
  var total = vec4f();
  var output0a = vec4f();
  var output1a = vec4f();
  var output2a = vec4f();
  var output3a = vec4f();
  var output0b = vec4f();
  var output1b = vec4f();
  var output2b = vec4f();
  var output3b = vec4f();

  for (var tile = skip_to_window(0u, start); tile < limit; tile = skip_to_window(tile + TILE, start)) {
    let own = tile + 4u * lane;
    let key0 = key_row(batch, own, key_head);
    let key1 = key_row(batch, own + 1u, key_head);
    let key2 = key_row(batch, own + 2u, key_head);
    let key3 = key_row(batch, own + 3u, key_head);
    var score0 = vec4f();
    var score1 = vec4f();
    var score2 = vec4f();
    var score3 = vec4f();
    for (var c = 0u; c < shape.columns; c++) {
      let q0 = query_at(query0, c);
      let q1 = query_at(query1, c);
      let q2 = query_at(query2, c);
      let q3 = query_at(query3, c);
      let k0 = key_at(key0, c);
      score0 += vec4f(dot(q0, k0), dot(q1, k0), dot(q2, k0), dot(q3, k0));
      let k1 = key_at(key1, c);
      score1 += vec4f(dot(q0, k1), dot(q1, k1), dot(q2, k1), dot(q3, k1));
      let k2 = key_at(key2, c);
      score2 += vec4f(dot(q0, k2), dot(q1, k2), dot(q2, k2), dot(q3, k2));
      let k3 = key_at(key3, c);
      score3 += vec4f(dot(q0, k3), dot(q1, k3), dot(q2, k3), dot(q3, k3));
    }
    let seen0 = sees(positions, vec4u(own), length);
    let seen1 = sees(positions, vec4u(own + 1u), length);
    let seen2 = sees(positions, vec4u(own + 2u), length);
    let seen3 = sees(positions, vec4u(own + 3u), length);
    score0 = select(vec4f(LOWEST), score0 * shape.scale, seen0);
    score1 = select(vec4f(LOWEST), score1 * shape.scale, seen1);
    score2 = select(vec4f(LOWEST), score2 * shape.scale, seen2);
    score3 = select(vec4f(LOWEST), score3 * shape.scale, seen3);
    lane_values[local] = max(max(score0, score1), max(score2, score3));
    workgroupBarrier();

    let now_highest = max(highest, largest_of_lanes(group));
    let decay = exp(highest - now_highest);
    highest = now_highest;
    let weight0 = select(vec4f(), exp(score0 - highest), seen0);
    let weight1 = select(vec4f(), exp(score1 - highest), seen1);
    let weight2 = select(vec4f(), exp(score2 - highest), seen2);
    let weight3 = select(vec4f(), exp(score3 - highest), seen3);
    total = total * decay + ((weight0 + weight1) + (weight2 + weight3));
    let slot = 32u * lane + group;
    weights[slot] = weight0;
    weights[slot + 8u] = weight1;
    weights[slot + 16u] = weight2;
    weights[slot + 24u] = weight3;
    output0a *= decay.x;
    output1a *= decay.y;
    output2a *= decay.z;
    output3a *= decay.w;
    output0b *= decay.x;
    output1b *= decay.y;
    output2b *= decay.z;
    output3b *= decay.w;
    workgroupBarrier();

    let count = min(TILE, limit - tile);
    for (var j = 0u; j < count; j++) {
      let weight = weights[8u * j + group];
      let row_of_values = key_row(batch, tile + j, key_head);
      let a = value_at(row_of_values, read_a);
      output0a += weight.x * a;
      output1a += weight.y * a;
      output2a += weight.z * a;
      output3a += weight.w * a;
      if (two_columns) {
        let b = value_at(row_of_values, read_b);
        output0b += weight.x * b;
        output1b += weight.y * b;
        output2b += weight.z * b;
        output3b += weight.w * b;
      }
    }
  }

  lane_values[local] = total;
  workgroupBarrier();
  total = sum_of_lanes(group);
  let share = select(vec4f(), 1.0 / total, total > vec4f());
  let rows = min(4u, shape.query_rows - min(row, shape.query_rows));
  if (column_a < shape.columns) {
    if (rows > 0u) { store(query0, column_a, output0a * share.x); }
    if (rows > 1u) { store(query1, column_a, output1a * share.y); }
    if (rows > 2u) { store(query2, column_a, output2a * share.z); }
    if (rows > 3u) { store(query3, column_a, output3a * share.w); }
  }
  if (column_b < shape.columns) {
    if (rows > 0u) { store(query0, column_b, output0b * share.x); }
    if (rows > 1u) { store(query1, column_b, output1b * share.y); }
    if (rows > 2u) { store(query2, column_b, output2b * share.z); }
    if (rows > 3u) { store(query3, column_b, output3b * share.w); }
  }
  if (lane == 0u && block == 0u) {
    let log_sums = select(vec4f(), highest + log(total), total > vec4f());
    for (var r = 0u; r < rows; r++) {
      lse[(batch * shape.query_heads + head) * shape.query_rows + row + r] = log_sums[r];
    }
  }
}
