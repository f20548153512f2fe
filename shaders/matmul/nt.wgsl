// output[batch, m, n] = alpha · Σ_k a[batch, m, k] · b[batch, n, k] (+ output) (+ bias[n]); b in plain floats.
//
// Bindings: 0 params; 1 a f32 [batch, rows, depth]; 2 b (weight decoder) [batch, columns, depth]; 4 bias f32 [columns]; 5 output.
// Dispatch: x = columns / (lanes along columns · 4), y = rows / (lanes along rows · 8), z = batch. A lane owns 8 rows × 4 columns.
// Idea: register tile with four steps of the reduction a turn; no workgroup memory (2 to 3 times slower on software drivers).
import package::matmul::tile::{params, placeOf, advance, store};
import package::matmul::left::{rowOf, left};
@if(VEC4) import package::weight::four;
@if(!VEC4) import package::weight::one;

// Elements k..k+3 of a row of b; zero from `depth` on.
@if(VEC4)
fn right(start: u32, k: u32) -> vec4<f32> {
  return four((start + k) >> 2u);
}

@else
fn right(start: u32, k: u32) -> vec4<f32> {
  let last = params.depth - 1u;
  let w = vec4(one(start + k), one(start + min(k + 1u, last)), one(start + min(k + 2u, last)), one(start + min(k + 3u, last)));
  return select(vec4<f32>(), w, vec4(k, k + 1u, k + 2u, k + 3u) < vec4(params.depth));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let place = placeOf(workgroup, lane, 8u, 4u);
  let row = place.x;
  let column = place.y;
  let batch = params.batch_start + workgroup.z;
  if (row >= params.row_end || column >= params.column_end) {
    return;
  }
  let a0 = rowOf(batch, row);
  let a1 = rowOf(batch, row + 1u);
  let a2 = rowOf(batch, row + 2u);
  let a3 = rowOf(batch, row + 3u);
  let a4 = rowOf(batch, row + 4u);
  let a5 = rowOf(batch, row + 5u);
  let a6 = rowOf(batch, row + 6u);
  let a7 = rowOf(batch, row + 7u);
  let last = params.column_end - 1u;
  let b0 = batch * params.b_batch + column * params.b_stride;
  let b1 = batch * params.b_batch + min(column + 1u, last) * params.b_stride;
  let b2 = batch * params.b_batch + min(column + 2u, last) * params.b_stride;
  let b3 = batch * params.b_batch + min(column + 3u, last) * params.b_stride;
  var s0 = vec4<f32>();
  var s1 = vec4<f32>();
  var s2 = vec4<f32>();
  var s3 = vec4<f32>();
  var s4 = vec4<f32>();
  var s5 = vec4<f32>();
  var s6 = vec4<f32>();
  var s7 = vec4<f32>();
  for (var k = 0u; k < params.depth; k += 4u) {
    let w = transpose(mat4x4<f32>(right(b0, k), right(b1, k), right(b2, k), right(b3, k)));
    s0 = advance(s0, left(a0, k), w);
    s1 = advance(s1, left(a1, k), w);
    s2 = advance(s2, left(a2, k), w);
    s3 = advance(s3, left(a3, k), w);
    s4 = advance(s4, left(a4, k), w);
    s5 = advance(s5, left(a5, k), w);
    s6 = advance(s6, left(a6, k), w);
    s7 = advance(s7, left(a7, k), w);
  }
  store(batch, row, column, s0);
  store(batch, row + 1u, column, s1);
  store(batch, row + 2u, column, s2);
  store(batch, row + 3u, column, s3);
  store(batch, row + 4u, column, s4);
  store(batch, row + 5u, column, s5);
  store(batch, row + 6u, column, s6);
  store(batch, row + 7u, column, s7);
}
