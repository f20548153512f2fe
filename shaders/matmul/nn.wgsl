// output[batch, m, n] = alpha · Σ_k a[batch, m, k] · b[batch, k, n] (+ output) (+ bias[n]); b in plain floats.
//
// Bindings: 0 params; 1 a f32 [batch, rows, depth]; 2 b (weight decoder) [batch, depth, columns]; 4 bias f32 [columns]; 5 output.
// Dispatch: x = columns / (lanes along columns · 8), y = rows / (lanes along rows · 8), z = batch. A lane owns 8 rows × 8 columns.
// Idea: outer product of a column of a and a row of b, one step of the reduction a turn, 16 vec4 sums in registers.
import package::matmul::tile::{params, placeOf, store};
import package::matmul::left::{rowOf, a};
@if(VEC4) import package::weight::four;
@if(!VEC4) import package::weight::one;

// Four columns of the row of b that starts at `start`. Columns past the end repeat the last one.
@if(VEC4)
fn right(start: u32, column: u32) -> vec4<f32> {
  return four((start + min(column, params.column_end - 4u)) >> 2u);
}

@else
fn right(start: u32, column: u32) -> vec4<f32> {
  let last = params.column_end - 1u;
  return vec4(
    one(start + min(column, last)),
    one(start + min(column + 1u, last)),
    one(start + min(column + 2u, last)),
    one(start + min(column + 3u, last)),
  );
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let place = placeOf(workgroup, lane, 8u, 8u);
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
  let b0 = batch * params.b_batch;
  var s0 = vec4<f32>();
  var s1 = vec4<f32>();
  var s2 = vec4<f32>();
  var s3 = vec4<f32>();
  var s4 = vec4<f32>();
  var s5 = vec4<f32>();
  var s6 = vec4<f32>();
  var s7 = vec4<f32>();
  var t0 = vec4<f32>();
  var t1 = vec4<f32>();
  var t2 = vec4<f32>();
  var t3 = vec4<f32>();
  var t4 = vec4<f32>();
  var t5 = vec4<f32>();
  var t6 = vec4<f32>();
  var t7 = vec4<f32>();
  for (var k = 0u; k < params.depth; k++) {
    let b_row = b0 + k * params.b_stride;
    let w = right(b_row, column);
    let v = right(b_row, column + 4u);
    let x0 = vec4(a[a0 + k]);
    let x1 = vec4(a[a1 + k]);
    let x2 = vec4(a[a2 + k]);
    let x3 = vec4(a[a3 + k]);
    let x4 = vec4(a[a4 + k]);
    let x5 = vec4(a[a5 + k]);
    let x6 = vec4(a[a6 + k]);
    let x7 = vec4(a[a7 + k]);
    s0 = fma(x0, w, s0);
    s1 = fma(x1, w, s1);
    s2 = fma(x2, w, s2);
    s3 = fma(x3, w, s3);
    s4 = fma(x4, w, s4);
    s5 = fma(x5, w, s5);
    s6 = fma(x6, w, s6);
    s7 = fma(x7, w, s7);
    t0 = fma(x0, v, t0);
    t1 = fma(x1, v, t1);
    t2 = fma(x2, v, t2);
    t3 = fma(x3, v, t3);
    t4 = fma(x4, v, t4);
    t5 = fma(x5, v, t5);
    t6 = fma(x6, v, t6);
    t7 = fma(x7, v, t7);
  }
  store(batch, row, column, s0);
  store(batch, row + 1u, column, s1);
  store(batch, row + 2u, column, s2);
  store(batch, row + 3u, column, s3);
  store(batch, row + 4u, column, s4);
  store(batch, row + 5u, column, s5);
  store(batch, row + 6u, column, s6);
  store(batch, row + 7u, column, s7);
  store(batch, row, column + 4u, t0);
  store(batch, row + 1u, column + 4u, t1);
  store(batch, row + 2u, column + 4u, t2);
  store(batch, row + 3u, column + 4u, t3);
  store(batch, row + 4u, column + 4u, t4);
  store(batch, row + 5u, column + 4u, t5);
  store(batch, row + 6u, column + 4u, t6);
  store(batch, row + 7u, column + 4u, t7);
}
