// Flash attention, forward. For each head h (its keys are head h / (query_heads / key_heads)), with the keys j that query i sees:
//   s_ij = scale · q_i·k_j,   lse_i = log Σ_j exp(s_ij),   o_i = Σ_j exp(s_ij − lse_i) v_j
// No [Tq, S] matrix is stored: running maximum m and sum l, o rescaled when m grows. A query that sees no key: o = 0, lse = 0.
//   1 query f32 [B, Tq, query_heads, head_size]   2 key   3 value f32 [B, S, key_heads, head_size]   4 lengths: see attention/shape
//   5 output f32 like query   6 lse f32 [B, query_heads, Tq]   8 with BIAS: see attention/bias; s_ij as given there
//   With CAP s_ij is capped: see attention/shape.
// One workgroup of 64 = groups × lanes for 4 · groups rows of one key head (see all_rows), walking tiles of 4 · lanes keys: 8 × 8 lanes
// for many rows of up to 64 values; more lanes to a row where heads are longer, or where one query is decoded and rows are few.
//   scores: a lane holds 4 rows × 4 keys in registers; their maxima and then the weights go through workgroup memory (5 KB);
//   output: the same lane holds the same 4 rows × 2 columns, so that m, l and the rescaling never leave its registers. Lanes beyond
//   what the columns need take the keys by turns, and their sums are added at the end.
// lavapipe and SwiftShader: as fast as the best matmuls (6.5 and 2.7 GFLOP/s on two cores at T = 512, head size 64). Tried and lost:
// reductions over lanes written out (same speed, 1.4 × the cold start); one query head a tile (decoding at a cache of 512: 13 × slower);
// a second pass of scores for heads beyond 64 values (1.3 × slower at 128).
// Sources: Dao et al., "FlashAttention" (2022); the online sum is Milakov & Gimelshein's (2018).

import package::attention::shape::{
  shape, all_rows, sees, capped, key_length, key_limit, key_start, skip_to_window, query_rows, key_row, within_head, pick, LOWEST,
};
import package::attention::bias::bias_of;

@if(VECTOR) alias Element = vec4f;
@else alias Element = f32;

@group(0) @binding(1) var<storage, read> query: array<Element>;
@group(0) @binding(2) var<storage, read> key: array<Element>;
@group(0) @binding(3) var<storage, read> value: array<Element>;
@group(0) @binding(5) var<storage, read_write> output: array<Element>;
@group(0) @binding(6) var<storage, read_write> lse: array<f32>;

var<workgroup> lane_values: array<vec4f, 64>; // of each lane's four rows: the maximum of a tile, in the end the sum
var<workgroup> weights: array<vec4f, 256>;    // [4 · lanes keys][groups of four rows]

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
  let groups = 64u / shape.lanes;
  let tile_rows = 4u * groups;
  let tile_keys = 4u * shape.lanes;
  let tiles = (all_rows() + tile_rows - 1u) / tile_rows;
  let first_row = (item % tiles) * tile_rows;
  let key_head = item / tiles % shape.key_heads;
  let batch = item / (tiles * shape.key_heads);
  let length = key_length(batch);
  let limit = key_limit(first_row + tile_rows - 1u, length);
  let start = key_start(batch, first_row);

  let group = local / shape.lanes;
  let lane = local % shape.lanes;
  let row = first_row + 4u * group;
  let queries = query_rows(batch, row, key_head);
  let query0 = queries.starts.x;
  let query1 = queries.starts.y;
  let query2 = queries.starts.z;
  let query3 = queries.starts.w;
  let parts = shape.lanes / shape.column_lanes;
  let part = lane / shape.column_lanes;
  let column_a = lane % shape.column_lanes;
  let column_b = column_a + shape.column_lanes;
  let read_a = min(column_a, shape.columns - 1u);
  let read_b = min(column_b, shape.columns - 1u);
  let two_columns = shape.column_lanes < shape.columns;

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

  for (var tile = skip_to_window(0u, start); tile < limit; tile = skip_to_window(tile + tile_keys, start)) {
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
    @if(BIAS) score0 += bias_of(queries.biases, queries.positions, vec4u(own));
    @if(BIAS) score1 += bias_of(queries.biases, queries.positions, vec4u(own + 1u));
    @if(BIAS) score2 += bias_of(queries.biases, queries.positions, vec4u(own + 2u));
    @if(BIAS) score3 += bias_of(queries.biases, queries.positions, vec4u(own + 3u));
    let seen0 = sees(queries.firsts, queries.positions, vec4u(own), length);
    let seen1 = sees(queries.firsts, queries.positions, vec4u(own + 1u), length);
    let seen2 = sees(queries.firsts, queries.positions, vec4u(own + 2u), length);
    let seen3 = sees(queries.firsts, queries.positions, vec4u(own + 3u), length);
    score0 = select(vec4f(LOWEST), capped(score0 * shape.scale), seen0);
    score1 = select(vec4f(LOWEST), capped(score1 * shape.scale), seen1);
    score2 = select(vec4f(LOWEST), capped(score2 * shape.scale), seen2);
    score3 = select(vec4f(LOWEST), capped(score3 * shape.scale), seen3);
    lane_values[local] = max(max(score0, score1), max(score2, score3));
    workgroupBarrier();

    var now_highest = highest;
    for (var i = 0u; i < shape.lanes; i++) {
      now_highest = max(now_highest, lane_values[group * shape.lanes + i]);
    }
    let decay = exp(highest - now_highest);
    highest = now_highest;
    let weight0 = select(vec4f(), exp(score0 - highest), seen0);
    let weight1 = select(vec4f(), exp(score1 - highest), seen1);
    let weight2 = select(vec4f(), exp(score2 - highest), seen2);
    let weight3 = select(vec4f(), exp(score3 - highest), seen3);
    total = total * decay + ((weight0 + weight1) + (weight2 + weight3));
    let slot = 4u * lane * groups + group;
    weights[slot] = weight0;
    weights[slot + groups] = weight1;
    weights[slot + 2u * groups] = weight2;
    weights[slot + 3u * groups] = weight3;
    output0a *= decay.x;
    output1a *= decay.y;
    output2a *= decay.z;
    output3a *= decay.w;
    output0b *= decay.x;
    output1b *= decay.y;
    output2b *= decay.z;
    output3b *= decay.w;
    workgroupBarrier();

    let count = min(tile_keys, limit - tile);
    var weight_slot = part * groups + group;
    var row_of_values = key_row(batch, tile + part, key_head);
    for (var j = part; j < count; j += parts) {
      let weight = weights[weight_slot];
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
      weight_slot += parts * groups;
      row_of_values += parts * shape.key_heads * shape.row_stride;
    }
  }

  lane_values[local] = total;
  workgroupBarrier();
  total = vec4f();
  for (var i = 0u; i < shape.lanes; i++) {
    total += lane_values[group * shape.lanes + i];
  }
  let share = select(vec4f(), 1.0 / total, total > vec4f());
  let log_sums = select(vec4f(), highest + log(total), total > vec4f());
  let same_column = group * shape.lanes + column_a;
  for (var r = 0u; r < min(shape.lanes, 4u); r++) { // four, as compilers cannot see: see lanes
    var a = pick(r, output0a, output1a, output2a, output3a);
    var b = pick(r, output0b, output1b, output2b, output3b);
    if (parts > 1u) {
      workgroupBarrier();
      weights[local] = a;
      weights[local + 64u] = b;
      workgroupBarrier();
      a = vec4f();
      b = vec4f();
      for (var i = same_column; i < (group + 1u) * shape.lanes; i += shape.column_lanes) {
        a += weights[i];
        b += weights[i + 64u];
      }
    }
    if (part == 0u && row + r < all_rows()) {
      if (column_a < shape.columns) {
        store(queries.starts[r], column_a, share[r] * a);
      }
      if (column_b < shape.columns) {
        store(queries.starts[r], column_b, share[r] * b);
      }
      if (lane == 0u) {
        lse[queries.statistics[r]] = log_sums[r];
      }
    }
  }
}
