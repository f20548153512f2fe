// Flash attention, gradient of the queries. With p_ij = exp(scale · q_i·k_j − lse_i) over the keys j that query i sees:
//   dq_i = scale · Σ_j p_ij (do_i·v_j − delta_i) k_j
//   1 query f32 [B, Tq, query_heads, head_size]   2 key   3 value f32 [B, S, key_heads, head_size]   4 lengths: see attention/shape
//   5 output_gradient f32 like query   6 statistics f32 [B, query_heads, Tq, 2] (lse, delta)   7 query_gradient f32 like query
//   8 with BIAS: see attention/bias, whose bias joins the score in p_ij; with CAP: see attention/shape
// Workgroups, lanes and tiles as in attention/forward: 4 rows × 4 keys of scores a lane, then the same 4 rows × 2 columns.
// The factors of a tile go through workgroup memory, in two buffers by turns, so that a tile costs one barrier.
// Source: Dao et al., "FlashAttention" (2022), algorithm 4, split by what is written so that no sum needs atomics.

import package::attention::shape::{
  shape, all_rows, sees, capped, through_cap, key_length, key_limit, key_start, skip_to_window, query_rows, key_row, within_head, pick,
};
import package::attention::bias::bias_of;

@if(VECTOR) alias Element = vec4f;
@else alias Element = f32;

@group(0) @binding(1) var<storage, read> query: array<Element>;
@group(0) @binding(2) var<storage, read> key: array<Element>;
@group(0) @binding(3) var<storage, read> value: array<Element>;
@group(0) @binding(5) var<storage, read> output_gradient: array<Element>;
@group(0) @binding(6) var<storage, read> statistics: array<vec2f>;
@group(0) @binding(7) var<storage, read_write> query_gradient: array<Element>;

var<workgroup> factors: array<vec4f, 512>; // two buffers of [4 · lanes keys][groups of four rows]

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

fn output_gradient_at(row: u32, column: u32) -> vec4f {
  @if(VECTOR) return output_gradient[row + column];
  @if(!VECTOR) let i = row + 4u * column;
  @if(!VECTOR) let values = vec4f(output_gradient[i], output_gradient[i + 1u], output_gradient[i + 2u], output_gradient[i + 3u]);
  @if(!VECTOR) return within_head(column, values);
}

fn store(row: u32, column: u32, values: vec4f) {
  @if(VECTOR) query_gradient[row + column] = values;
  @if(!VECTOR) for (var d = 0u; d < min(4u, shape.head_size - 4u * column); d++) {
    query_gradient[row + 4u * column + d] = values[d];
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
  let statistic0 = statistics[queries.statistics.x];
  let statistic1 = statistics[queries.statistics.y];
  let statistic2 = statistics[queries.statistics.z];
  let statistic3 = statistics[queries.statistics.w];
  let lse = vec4f(statistic0.x, statistic1.x, statistic2.x, statistic3.x);
  let delta = vec4f(statistic0.y, statistic1.y, statistic2.y, statistic3.y);
  let parts = shape.lanes / shape.column_lanes;
  let part = lane / shape.column_lanes;
  let column_a = lane % shape.column_lanes;
  let column_b = column_a + shape.column_lanes;
  let read_a = min(column_a, shape.columns - 1u);
  let read_b = min(column_b, shape.columns - 1u);
  let two_columns = shape.column_lanes < shape.columns;

  var gradient0a = vec4f();
  var gradient1a = vec4f();
  var gradient2a = vec4f();
  var gradient3a = vec4f();
  var gradient0b = vec4f();
  var gradient1b = vec4f();
  var gradient2b = vec4f();
  var gradient3b = vec4f();
  var buffer = 0u;

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
    var slope0 = vec4f();
    var slope1 = vec4f();
    var slope2 = vec4f();
    var slope3 = vec4f();
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
    for (var c = 0u; c < shape.columns; c++) {
      let d0 = output_gradient_at(query0, c);
      let d1 = output_gradient_at(query1, c);
      let d2 = output_gradient_at(query2, c);
      let d3 = output_gradient_at(query3, c);
      let v0 = value_at(key0, c);
      slope0 += vec4f(dot(d0, v0), dot(d1, v0), dot(d2, v0), dot(d3, v0));
      let v1 = value_at(key1, c);
      slope1 += vec4f(dot(d0, v1), dot(d1, v1), dot(d2, v1), dot(d3, v1));
      let v2 = value_at(key2, c);
      slope2 += vec4f(dot(d0, v2), dot(d1, v2), dot(d2, v2), dot(d3, v2));
      let v3 = value_at(key3, c);
      slope3 += vec4f(dot(d0, v3), dot(d1, v3), dot(d2, v3), dot(d3, v3));
    }
    @if(BIAS) score0 += bias_of(queries.biases, queries.positions, vec4u(own));
    @if(BIAS) score1 += bias_of(queries.biases, queries.positions, vec4u(own + 1u));
    @if(BIAS) score2 += bias_of(queries.biases, queries.positions, vec4u(own + 2u));
    @if(BIAS) score3 += bias_of(queries.biases, queries.positions, vec4u(own + 3u));
    let seen0 = sees(queries.firsts, queries.positions, vec4u(own), length);
    let seen1 = sees(queries.firsts, queries.positions, vec4u(own + 1u), length);
    let seen2 = sees(queries.firsts, queries.positions, vec4u(own + 2u), length);
    let seen3 = sees(queries.firsts, queries.positions, vec4u(own + 3u), length);
    score0 = capped(score0 * shape.scale);
    score1 = capped(score1 * shape.scale);
    score2 = capped(score2 * shape.scale);
    score3 = capped(score3 * shape.scale);
    let slot = buffer + 4u * lane * groups + group;
    factors[slot] = select(vec4f(), through_cap(exp(score0 - lse) * (slope0 - delta), score0), seen0);
    factors[slot + groups] = select(vec4f(), through_cap(exp(score1 - lse) * (slope1 - delta), score1), seen1);
    factors[slot + 2u * groups] = select(vec4f(), through_cap(exp(score2 - lse) * (slope2 - delta), score2), seen2);
    factors[slot + 3u * groups] = select(vec4f(), through_cap(exp(score3 - lse) * (slope3 - delta), score3), seen3);
    workgroupBarrier();

    let count = min(tile_keys, limit - tile);
    var factor_slot = buffer + part * groups + group;
    var row_of_keys = key_row(batch, tile + part, key_head);
    for (var j = part; j < count; j += parts) {
      let factor = factors[factor_slot];
      let a = key_at(row_of_keys, read_a);
      gradient0a += factor.x * a;
      gradient1a += factor.y * a;
      gradient2a += factor.z * a;
      gradient3a += factor.w * a;
      if (two_columns) {
        let b = key_at(row_of_keys, read_b);
        gradient0b += factor.x * b;
        gradient1b += factor.y * b;
        gradient2b += factor.z * b;
        gradient3b += factor.w * b;
      }
      factor_slot += parts * groups;
      row_of_keys += parts * shape.key_heads * shape.row_stride;
    }
    buffer = 256u - buffer;
  }

  let same_column = group * shape.lanes + column_a;
  for (var r = 0u; r < min(shape.lanes, 4u); r++) { // four, as compilers cannot see: see lanes
    var a = pick(r, gradient0a, gradient1a, gradient2a, gradient3a);
    var b = pick(r, gradient0b, gradient1b, gradient2b, gradient3b);
    if (parts > 1u) {
      workgroupBarrier();
      factors[local] = a;
      factors[local + 64u] = b;
      workgroupBarrier();
      a = vec4f();
      b = vec4f();
      for (var i = same_column; i < (group + 1u) * shape.lanes; i += shape.column_lanes) {
        a += factors[i];
        b += factors[i + 64u];
      }
    }
    if (part == 0u && row + r < all_rows()) {
      if (column_a < shape.columns) {
        store(queries.starts[r], column_a, shape.scale * a);
      }
      if (column_b < shape.columns) {
        store(queries.starts[r], column_b, shape.scale * b);
      }
    }
  }
}
