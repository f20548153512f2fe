// output[batch, m, n] = alpha · Σ_k a[batch, m, k] · b[batch, k, n] (+ output) (+ bias[n]); b in plain floats, columns a multiple of 4: dx = dy·W.
//
// Bindings: 0 params; 1 a f32 [batch, rows, depth]; 2 b (weight decoder) [batch, depth, columns]; 4 bias f32 [columns]; 5 output.
// Dispatch: x = columns / (lanes along columns · 8), y = rows / (lanes along rows · 8), z = batch. A lane owns 8 rows × 8 columns.
// Idea: outer products of columns of a and rows of b, four steps of the reduction a turn.
// Software drivers move nothing out of a loop, so addresses count in fours and step, and the right half loads after the left half's arithmetic
// (addresses in elements, all loads first: 0.9 of the speed on lavapipe and SwiftShader; 12 × 8 so: 1.2 and 0.7).
// Lost (GFLOP/s lavapipe, SwiftShader; this one then 20, 6.5): one step a turn 19, 5.5; 8 × 4 14, 4.7; 4 × 8 11, 4.7; 4 × 16 14, 4.0.
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
  // in fours; rows of b past the end repeat the last one and meet zeros of a, columns past the end are never stored
  let step = params.b_step >> 2u;
  let first = (batch * params.b_batch + column) >> 2u;
  let last = first + (params.depth - 1u) * step;
  let next = select(0u, 1u, column + 4u < params.column_end);
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
  var b0 = first;
  for (var quartet = 0u; 4u * quartet < params.depth; quartet++) {
    let b1 = min(b0 + step, last);
    let b2 = min(b1 + step, last);
    let b3 = min(b2 + step, last);
    let x0 = left(a0, quartet);
    let x1 = left(a1, quartet);
    let x2 = left(a2, quartet);
    let x3 = left(a3, quartet);
    let x4 = left(a4, quartet);
    let x5 = left(a5, quartet);
    let x6 = left(a6, quartet);
    let x7 = left(a7, quartet);
    let w = mat4x4<f32>(four(b0), four(b1), four(b2), four(b3));
    s0 = advance(s0, x0, w);
    s1 = advance(s1, x1, w);
    s2 = advance(s2, x2, w);
    s3 = advance(s3, x3, w);
    s4 = advance(s4, x4, w);
    s5 = advance(s5, x5, w);
    s6 = advance(s6, x6, w);
    s7 = advance(s7, x7, w);
    let v = mat4x4<f32>(four(b0 + next), four(b1 + next), four(b2 + next), four(b3 + next));
    t0 = advance(t0, x0, v);
    t1 = advance(t1, x1, v);
    t2 = advance(t2, x2, v);
    t3 = advance(t3, x3, v);
    t4 = advance(t4, x4, v);
    t5 = advance(t5, x5, v);
    t6 = advance(t6, x6, v);
    t7 = advance(t7, x7, v);
    b0 = b3 + step;
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
