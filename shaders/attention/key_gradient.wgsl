// Flash attention, gradients of the keys and values. With p_ij = exp(scale · q_i·k_j − lse_i) over the queries i that see key j,
// of all the heads that share it:
//   dv_j = Σ_i p_ij do_i,   dk_j = scale · Σ_i p_ij (do_i·v_j − delta_i) q_i
//   1 query f32 [B, Tq, query_heads, head_size]   2 key   3 value f32 [B, S, key_heads, head_size]   4 lengths: see attention/shape
//   5 output_gradient f32 like query   6 statistics f32 [B, query_heads, Tq, 2] (lse, delta)   7 key_gradient   8 value_gradient like key
//   with BIAS: 7 gradients f32 [2, …key], the keys' and then the values', for 8 is the table of attention/bias that joins the score in p_ij
//   With CAP the score is capped: see attention/shape.
// One workgroup of 64 = groups × lanes for 4 · groups keys, walking tiles of 4 · lanes of the rows that read their head (see all_rows).
//   scores: a lane holds 4 keys × 4 rows; the weights and factors of a tile go through workgroup memory (8 KB);
//   sums: the same lane holds the same 4 keys × 2 columns of dk and of dv.
// Tried, neither won nor lost: the starts of a tile's rows in workgroup memory in place of walking the heads. Lost: a second pass of
// scores for heads beyond 64 values (1.7 × slower at 128).
// Source: Dao et al., "FlashAttention" (2022), algorithm 4, split by what is written so that no sum needs atomics.

import package::attention::shape::{
  shape, all_rows, sees, capped, through_cap, key_length, query_rows, key_row, within_head, pick,
};
import package::attention::bias::bias_of;
import package::step::step;

@if(VECTOR) alias Element = vec4f;
@else alias Element = f32;

@group(0) @binding(1) var<storage, read> query: array<Element>;
@group(0) @binding(2) var<storage, read> key: array<Element>;
@group(0) @binding(3) var<storage, read> value: array<Element>;
@group(0) @binding(5) var<storage, read> output_gradient: array<Element>;
@group(0) @binding(6) var<storage, read> statistics: array<vec2f>;
@if(!BIAS) @group(0) @binding(7) var<storage, read_write> key_gradient: array<Element>;
@if(!BIAS) @group(0) @binding(8) var<storage, read_write> value_gradient: array<Element>;
@if(BIAS) @group(0) @binding(7) var<storage, read_write> gradients: array<Element>;

var<workgroup> weights: array<vec4f, 256>; // p:            [4 · lanes rows][groups of four keys]
var<workgroup> factors: array<vec4f, 256>; // p (dp − delta): likewise

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

fn store(row: u32, column: u32, of_key: vec4f, of_value: vec4f) {
  @if(VECTOR && !BIAS) key_gradient[row + column] = of_key;
  @if(VECTOR && !BIAS) value_gradient[row + column] = of_value;
  @if(VECTOR && BIAS) gradients[row + column] = of_key;
  @if(VECTOR && BIAS) gradients[shape.key_elements + row + column] = of_value;
  @if(!VECTOR) for (var d = 0u; d < min(4u, shape.head_size - 4u * column); d++) {
    @if(!BIAS) key_gradient[row + 4u * column + d] = of_key[d];
    @if(!BIAS) value_gradient[row + 4u * column + d] = of_value[d];
    @if(BIAS) gradients[row + 4u * column + d] = of_key[d];
    @if(BIAS) gradients[shape.key_elements + row + 4u * column + d] = of_value[d];
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
  let tile_keys = 4u * groups;
  let tile_rows = 4u * shape.lanes;
  let tiles = (shape.key_rows + tile_keys - 1u) / tile_keys;
  let first_key = (item % tiles) * tile_keys;
  let key_head = item / tiles % shape.key_heads;
  let batch = item / (tiles * shape.key_heads);
  let length = key_length(batch);

  // the rows that see any key of the tile: all where it holds a part of the prefix
  var first_row = 0u;
  var last_row = all_rows();
  if (first_key >= shape.prefix) {
    let at = first_key - shape.prefix;
    let nearest = max(at, step.query_offset + shape.ahead) - shape.ahead;
    let farthest = max(at + tile_keys - 1u + shape.behind, step.query_offset);
    first_row = (nearest - step.query_offset) * shape.shared_heads;
    last_row = select(0u, min(shape.query_rows, farthest - step.query_offset) * shape.shared_heads, at < length);
  }

  let group = local / shape.lanes;
  let lane = local % shape.lanes;
  let own = first_key + 4u * group;
  let keys = vec4u(own) + vec4u(0u, 1u, 2u, 3u);
  let key0 = key_row(batch, own, key_head);
  let key1 = key_row(batch, own + 1u, key_head);
  let key2 = key_row(batch, own + 2u, key_head);
  let key3 = key_row(batch, own + 3u, key_head);
  let parts = shape.lanes / shape.column_lanes;
  let part = lane / shape.column_lanes;
  let column_a = lane % shape.column_lanes;
  let column_b = column_a + shape.column_lanes;
  let read_a = min(column_a, shape.columns - 1u);
  let read_b = min(column_b, shape.columns - 1u);
  let two_columns = shape.column_lanes < shape.columns;

  var dk0a = vec4f();
  var dk1a = vec4f();
  var dk2a = vec4f();
  var dk3a = vec4f();
  var dk0b = vec4f();
  var dk1b = vec4f();
  var dk2b = vec4f();
  var dk3b = vec4f();
  var dv0a = vec4f();
  var dv1a = vec4f();
  var dv2a = vec4f();
  var dv3a = vec4f();
  var dv0b = vec4f();
  var dv1b = vec4f();
  var dv2b = vec4f();
  var dv3b = vec4f();

  for (var tile = first_row; tile < last_row; tile += tile_rows) {
    let row = tile + 4u * lane;
    let queries = query_rows(batch, row, key_head);
    let query0 = queries.starts.x;
    let query1 = queries.starts.y;
    let query2 = queries.starts.z;
    let query3 = queries.starts.w;
    var score0 = vec4f();
    var score1 = vec4f();
    var score2 = vec4f();
    var score3 = vec4f();
    var slope0 = vec4f();
    var slope1 = vec4f();
    var slope2 = vec4f();
    var slope3 = vec4f();
    for (var c = 0u; c < shape.columns; c++) {
      let k0 = key_at(key0, c);
      let k1 = key_at(key1, c);
      let k2 = key_at(key2, c);
      let k3 = key_at(key3, c);
      let q0 = query_at(query0, c);
      score0 += vec4f(dot(k0, q0), dot(k1, q0), dot(k2, q0), dot(k3, q0));
      let q1 = query_at(query1, c);
      score1 += vec4f(dot(k0, q1), dot(k1, q1), dot(k2, q1), dot(k3, q1));
      let q2 = query_at(query2, c);
      score2 += vec4f(dot(k0, q2), dot(k1, q2), dot(k2, q2), dot(k3, q2));
      let q3 = query_at(query3, c);
      score3 += vec4f(dot(k0, q3), dot(k1, q3), dot(k2, q3), dot(k3, q3));
    }
    for (var c = 0u; c < shape.columns; c++) {
      let v0 = value_at(key0, c);
      let v1 = value_at(key1, c);
      let v2 = value_at(key2, c);
      let v3 = value_at(key3, c);
      let d0 = output_gradient_at(query0, c);
      slope0 += vec4f(dot(v0, d0), dot(v1, d0), dot(v2, d0), dot(v3, d0));
      let d1 = output_gradient_at(query1, c);
      slope1 += vec4f(dot(v0, d1), dot(v1, d1), dot(v2, d1), dot(v3, d1));
      let d2 = output_gradient_at(query2, c);
      slope2 += vec4f(dot(v0, d2), dot(v1, d2), dot(v2, d2), dot(v3, d2));
      let d3 = output_gradient_at(query3, c);
      slope3 += vec4f(dot(v0, d3), dot(v1, d3), dot(v2, d3), dot(v3, d3));
    }
    let statistic0 = statistics[queries.statistics.x];
    let statistic1 = statistics[queries.statistics.y];
    let statistic2 = statistics[queries.statistics.z];
    let statistic3 = statistics[queries.statistics.w];
    @if(BIAS) score0 += bias_of(vec4u(queries.biases.x), vec4u(queries.positions.x), keys);
    @if(BIAS) score1 += bias_of(vec4u(queries.biases.y), vec4u(queries.positions.y), keys);
    @if(BIAS) score2 += bias_of(vec4u(queries.biases.z), vec4u(queries.positions.z), keys);
    @if(BIAS) score3 += bias_of(vec4u(queries.biases.w), vec4u(queries.positions.w), keys);
    // rows beyond the last are never reached below: only `count` rows of the tile are summed
    let seen0 = sees(vec4u(queries.firsts.x), vec4u(queries.positions.x), keys, length);
    score0 = capped(score0 * shape.scale);
    let weight0 = select(vec4f(), exp(score0 - statistic0.x), seen0);
    let seen1 = sees(vec4u(queries.firsts.y), vec4u(queries.positions.y), keys, length);
    score1 = capped(score1 * shape.scale);
    let weight1 = select(vec4f(), exp(score1 - statistic1.x), seen1);
    let seen2 = sees(vec4u(queries.firsts.z), vec4u(queries.positions.z), keys, length);
    score2 = capped(score2 * shape.scale);
    let weight2 = select(vec4f(), exp(score2 - statistic2.x), seen2);
    let seen3 = sees(vec4u(queries.firsts.w), vec4u(queries.positions.w), keys, length);
    score3 = capped(score3 * shape.scale);
    let weight3 = select(vec4f(), exp(score3 - statistic3.x), seen3);
    let slot = 4u * lane * groups + group;
    weights[slot] = weight0;
    weights[slot + groups] = weight1;
    weights[slot + 2u * groups] = weight2;
    weights[slot + 3u * groups] = weight3;
    factors[slot] = through_cap(weight0 * (slope0 - statistic0.y), score0);
    factors[slot + groups] = through_cap(weight1 * (slope1 - statistic1.y), score1);
    factors[slot + 2u * groups] = through_cap(weight2 * (slope2 - statistic2.y), score2);
    factors[slot + 3u * groups] = through_cap(weight3 * (slope3 - statistic3.y), score3);
    workgroupBarrier();

    let count = min(tile_rows, last_row - tile);
    var head = (tile + part) % shape.shared_heads;
    var row_of_queries = query_rows(batch, tile + part, key_head).starts.x;
    var inner_slot = part * groups + group;
    for (var i = part; i < count; i += parts) {
      let weight = weights[inner_slot];
      let factor = factors[inner_slot];
      let qa = query_at(row_of_queries, read_a);
      dk0a += factor.x * qa;
      dk1a += factor.y * qa;
      dk2a += factor.z * qa;
      dk3a += factor.w * qa;
      let da = output_gradient_at(row_of_queries, read_a);
      dv0a += weight.x * da;
      dv1a += weight.y * da;
      dv2a += weight.z * da;
      dv3a += weight.w * da;
      if (two_columns) {
        let qb = query_at(row_of_queries, read_b);
        dk0b += factor.x * qb;
        dk1b += factor.y * qb;
        dk2b += factor.z * qb;
        dk3b += factor.w * qb;
        let db = output_gradient_at(row_of_queries, read_b);
        dv0b += weight.x * db;
        dv1b += weight.y * db;
        dv2b += weight.z * db;
        dv3b += weight.w * db;
      }
      // on by `parts` rows: so many heads on, and over to the next query where they end
      inner_slot += parts * groups;
      head += parts;
      row_of_queries += parts * shape.row_stride;
      while (head >= shape.shared_heads) {
        head -= shape.shared_heads;
        row_of_queries += (shape.key_heads - 1u) * shape.shared_heads * shape.row_stride;
      }
    }
    workgroupBarrier();
  }

  let same_column = group * shape.lanes + column_a;
  for (var r = 0u; r < min(shape.lanes, 4u); r++) { // four, as compilers cannot see: see lanes
    var dka = pick(r, dk0a, dk1a, dk2a, dk3a);
    var dkb = pick(r, dk0b, dk1b, dk2b, dk3b);
    var dva = pick(r, dv0a, dv1a, dv2a, dv3a);
    var dvb = pick(r, dv0b, dv1b, dv2b, dv3b);
    if (parts > 1u) {
      workgroupBarrier();
      factors[local] = dka;
      factors[local + 64u] = dkb;
      weights[local] = dva;
      weights[local + 64u] = dvb;
      workgroupBarrier();
      dka = vec4f();
      dkb = vec4f();
      dva = vec4f();
      dvb = vec4f();
      for (var i = same_column; i < (group + 1u) * shape.lanes; i += shape.column_lanes) {
        dka += factors[i];
        dkb += factors[i + 64u];
        dva += weights[i];
        dvb += weights[i + 64u];
      }
    }
    if (part == 0u && own + r < shape.key_rows) {
      let to = key_row(batch, own + r, key_head);
      if (column_a < shape.columns) {
        store(to, column_a, shape.scale * dka, dva);
      }
      if (column_b < shape.columns) {
        store(to, column_b, shape.scale * dkb, dvb);
      }
    }
  }
}
