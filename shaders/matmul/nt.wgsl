// output[batch, m, n] = alpha · Σ_k a[batch, m, k] · b[batch, n, k] (+ output) (+ bias[n]); b in plain floats, depth a multiple of 4: y = x·Wᵀ.
//
// Bindings: 0 params; 1 a f32 [batch, rows, depth]; 2 b (weight decoder) [batch, columns, depth]; 4 bias f32 [columns]; 5 output.
// Dispatch: x = columns / (lanes along columns · 8), y = rows / (lanes along rows · 8), z = batch. A lane owns 8 rows × 8 columns.
// Idea: register tile, four steps of the reduction a turn; no workgroup memory.
// Software drivers move nothing out of a loop, so addresses count in fours and step, and the right half loads after the left half's arithmetic
// (addresses in elements, all loads first: 0.94 of the speed on lavapipe, 0.88 on SwiftShader).
// Lost (GFLOP/s lavapipe, SwiftShader; this one then 19, 6.7): 4 × 4 14, 4.0; 8 × 4 15, 4.9; 4 × 8 14, 4.9; 4 × 16 13, 4.7; 8 × 12 19, 4.3;
// loads between the arithmetic 17, 6.4.
import package::matmul::tile::{params, placeOf, advance, store};
import package::matmul::left::{rowOf, left};
import package::weight::four;

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
  // where columns of b start, in fours; those past the end repeat the last one, and what they give is never stored
  let b = (batch * params.b_batch) >> 2u;
  let next = params.b_column >> 2u;
  let last = params.column_end - 1u;
  let b0 = b + column * next;
  let b1 = b + min(column + 1u, last) * next;
  let b2 = b + min(column + 2u, last) * next;
  let b3 = b + min(column + 3u, last) * next;
  let b4 = b + min(column + 4u, last) * next;
  let b5 = b + min(column + 5u, last) * next;
  let b6 = b + min(column + 6u, last) * next;
  let b7 = b + min(column + 7u, last) * next;
  let quartets = params.depth >> 2u;
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
  for (var quartet = 0u; quartet < quartets; quartet++) {
    let x0 = left(a0, quartet);
    let x1 = left(a1, quartet);
    let x2 = left(a2, quartet);
    let x3 = left(a3, quartet);
    let x4 = left(a4, quartet);
    let x5 = left(a5, quartet);
    let x6 = left(a6, quartet);
    let x7 = left(a7, quartet);
    let w = transpose(mat4x4<f32>(four(b0 + quartet), four(b1 + quartet), four(b2 + quartet), four(b3 + quartet)));
    s0 = advance(s0, x0, w);
    s1 = advance(s1, x1, w);
    s2 = advance(s2, x2, w);
    s3 = advance(s3, x3, w);
    s4 = advance(s4, x4, w);
    s5 = advance(s5, x5, w);
    s6 = advance(s6, x6, w);
    s7 = advance(s7, x7, w);
    let v = transpose(mat4x4<f32>(four(b4 + quartet), four(b5 + quartet), four(b6 + quartet), four(b7 + quartet)));
    t0 = advance(t0, x0, v);
    t1 = advance(t1, x1, v);
    t2 = advance(t2, x2, v);
    t3 = advance(t3, x3, v);
    t4 = advance(t4, x4, v);
    t5 = advance(t5, x5, v);
    t6 = advance(t6, x6, v);
    t7 = advance(t7, x7, v);
  }
  var sums = array<vec4<f32>, 16>(
    s0, t0, s1, t1, s2, t2, s3, t3,
    s4, t4, s5, t5, s6, t6, s7, t7,
  );
  let end = min(row + 8u, params.row_end);
  for (var i = row; i < end; i++) {
    store(batch, i, column, sums[2u * (i - row)]);
    store(batch, i, column + 4u, sums[2u * (i - row) + 1u]);
  }
}
