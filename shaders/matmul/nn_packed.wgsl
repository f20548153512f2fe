// output[m, n] = alpha · Σ_k a[m, k] · b[k, n] (+ output) (+ bias[n]); b in a block format, four rows side by side: dx = dy·W.
//
// Bindings: 0 params; 1 a f32 [rows, depth]; 2, 3 and 6 b (weight decoder) [depth, columns]; 4 bias f32 [columns]; 5 output.
// Dispatch: x = columns / (lanes along columns · 8), y = rows / (lanes along rows · 8). A lane owns 8 rows × 8 columns.
// Idea: one vec4 load holds eight columns of four rows of b: four steps of the reduction a turn.
// Lost (GFLOP/s of 4 bits on lavapipe, SwiftShader; this one then 30, 8.1): 4 × 8 28, 6.9 (a third of the compile time); 4 × 16 25, 7.1;
// loads between the arithmetic 23, 7.9.
import package::matmul::tile::{params, placeOf, advance, store};
import package::matmul::left::{rowOf, left};
import package::weight::{scalesAt, octetAt};

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let place = placeOf(workgroup, lane, 8u, 8u);
  let row = place.x;
  let column = place.y;
  if (row >= params.row_end || column >= params.column_end) {
    return;
  }
  let a0 = rowOf(0u, row);
  let a1 = rowOf(0u, row + 1u);
  let a2 = rowOf(0u, row + 2u);
  let a3 = rowOf(0u, row + 3u);
  let a4 = rowOf(0u, row + 4u);
  let a5 = rowOf(0u, row + 5u);
  let a6 = rowOf(0u, row + 6u);
  let a7 = rowOf(0u, row + 7u);
  let blocks = (params.b_step + 31u) >> 5u;
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
  for (var quartet = 0u; 4u * quartet < params.depth; quartet++) {
    let octet = octetAt(((quartet * blocks) << 2u) + (column >> 3u), scalesAt(quartet, column >> 5u, blocks));
    let w = transpose(octet.low);
    let v = transpose(octet.high);
    let x0 = left(a0, quartet);
    let x1 = left(a1, quartet);
    let x2 = left(a2, quartet);
    let x3 = left(a3, quartet);
    let x4 = left(a4, quartet);
    let x5 = left(a5, quartet);
    let x6 = left(a6, quartet);
    let x7 = left(a7, quartet);
    s0 = advance(s0, x0, w);
    s1 = advance(s1, x1, w);
    s2 = advance(s2, x2, w);
    s3 = advance(s3, x3, w);
    s4 = advance(s4, x4, w);
    s5 = advance(s5, x5, w);
    s6 = advance(s6, x6, w);
    s7 = advance(s7, x7, w);
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
    store(0u, i, column, sums[2u * (i - row)]);
    store(0u, i, column + 4u, sums[2u * (i - row) + 1u]);
  }
}
