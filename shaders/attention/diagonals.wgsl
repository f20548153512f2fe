// Flash attention, gradient of the bias table, by diagonals of the scores: with p_ij = exp(scale · q_i·k_j + bias − lse_i) over the
// pairs of a query and a key row that it sees,
//   diagonal[b, h, e] = Σ_i p_ij (do_i·v_j − delta_i) for the key rows j = i + e − (Tq − 1), query after query.
// A table's distance is one diagonal, but for its ends, which are many: attention/fold_distances adds those, and the batch's rows.
//   1 query f32 [B, Tq, query_heads, head_size]   2 key   3 value f32 [B, S, key_heads, head_size]   4 lengths: see attention/shape
//   5 output_gradient f32 like query   6 statistics f32 [B, query_heads, Tq, 2] (lse, delta)   7 diagonals f32 [B, query_heads, Tq + S − 1]
//   8 the table: see attention/bias
// One lane a diagonal, 64 neighbours a workgroup, so that they read the same query and keys next to one another. It is run once for each
// layer where the table itself is trained, and computes each score anew rather than slow down the gradient of the keys by storing it.
// Source: the sums of Dao et al., "FlashAttention" (2022), algorithm 4, taken along diagonals, where none needs atomics.

import package::attention::shape::{shape, sees, capped, through_cap, first_seen, key_length, key_row, within_head};
import package::attention::bias::bias_of;
import package::step::step;

@if(VECTOR) alias Element = vec4f;
@else alias Element = f32;

@group(0) @binding(1) var<storage, read> query: array<Element>;
@group(0) @binding(2) var<storage, read> key: array<Element>;
@group(0) @binding(3) var<storage, read> value: array<Element>;
@group(0) @binding(5) var<storage, read> output_gradient: array<Element>;
@group(0) @binding(6) var<storage, read> statistics: array<vec2f>;
@group(0) @binding(7) var<storage, read_write> diagonals: array<f32>;

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

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let item = shape.first_item + workgroup.y * workgroups.x + workgroup.x;
  let count = shape.query_rows + shape.key_rows - 1u;
  let tiles = (count + 63u) / 64u;
  let diagonal = item % tiles * 64u + local;
  if (item >= shape.last_item || diagonal >= count) {
    return;
  }
  let heads = shape.key_heads * shape.shared_heads;
  let head = item / tiles % heads;
  let batch = item / (tiles * heads);
  let key_head = head / shape.shared_heads;
  let length = key_length(batch);
  let table = vec4u(head * (2u * shape.bias_reach + 1u));
  // key row j = i + diagonal − behind
  let behind = shape.query_rows - 1u;

  var sum = 0.0;
  for (var i = behind - min(behind, diagonal); i < min(shape.query_rows, count - diagonal); i++) {
    let position = step.query_offset + i;
    let j = i + diagonal - behind;
    if (!sees(vec4u(first_seen(batch, position)), vec4u(position), vec4u(j), length).x) {
      continue;
    }
    let query_row = ((batch * shape.query_rows + i) * heads + head) * shape.row_stride;
    let row_of_key = key_row(batch, j, key_head);
    var score = bias_of(table, vec4u(position), vec4u(j)).x;
    var slope = 0.0;
    for (var c = 0u; c < shape.columns; c++) {
      score += dot(query_at(query_row, c), key_at(row_of_key, c));
      slope += dot(output_gradient_at(query_row, c), value_at(row_of_key, c));
    }
    let statistic = statistics[(batch * heads + head) * shape.query_rows + i];
    let score_in = capped(vec4f(score * shape.scale));
    sum += through_cap(exp(score_in - statistic.x) * (slope - statistic.y), score_in).x;
  }
  diagonals[(batch * heads + head) * count + diagonal] = sum;
}
