// output[m, n] = alpha · Σ_k a[m, k] · b[n, k] (+ output) (+ bias[n]); b in a block format, four rows side by side: y = x·Wᵀ.
//
// Bindings: 0 params; 1 a f32 [rows, depth]; 2 and 3 b (weight decoder) [columns, depth]; 4 bias f32 [columns]; 5 output.
// Dispatch: x = columns / (lanes along columns · 8), y = rows / (lanes along rows · 4). A lane owns 4 rows × 8 columns.
// Idea: one vec4 load holds eight columns of four rows of b, which makes the stored [n, k] an outer product over n.
// Lost (GFLOP/s of 4 bits on lavapipe, SwiftShader; this one 22, 6.8): 8 × 4 15, 5.5; 8 × 8 25, 4.6 and 2.5 times the compile time;
// 4 × 4 16, 4.8; 4 × 12 22, 4.2; 16 × 4 9, 3.6; a loop over blocks around one over octets, for the scales, 17, 3.6 (8 × 8).
import package::matmul::tile::{params, placeOf, advance, store};
import package::matmul::left::{rowOf, left};
import package::weight::{scalesAt, octetAt};

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let place = placeOf(workgroup, lane, 4u, 8u);
  let row = place.x;
  let column = place.y;
  if (row >= params.row_end || column >= params.column_end) {
    return;
  }
  let a0 = rowOf(0u, row);
  let a1 = rowOf(0u, row + 1u);
  let a2 = rowOf(0u, row + 2u);
  let a3 = rowOf(0u, row + 3u);
  let octets = params.depth >> 3u;
  let blocks = params.depth >> 5u;
  let group = column >> 2u;
  let next = min(group + 1u, (params.column_end - 1u) >> 2u);
  var s0 = vec4<f32>();
  var s1 = vec4<f32>();
  var s2 = vec4<f32>();
  var s3 = vec4<f32>();
  var t0 = vec4<f32>();
  var t1 = vec4<f32>();
  var t2 = vec4<f32>();
  var t3 = vec4<f32>();
  for (var k = 0u; k < params.depth; k += 8u) {
    let w = octetAt(group * octets + (k >> 3u), scalesAt(group * blocks + (k >> 5u)));
    let v = octetAt(next * octets + (k >> 3u), scalesAt(next * blocks + (k >> 5u)));
    let x0 = left(a0, k);
    let x1 = left(a1, k);
    let x2 = left(a2, k);
    let x3 = left(a3, k);
    let y0 = left(a0, k + 4u);
    let y1 = left(a1, k + 4u);
    let y2 = left(a2, k + 4u);
    let y3 = left(a3, k + 4u);
    s0 = advance(advance(s0, x0, w.low), y0, w.high);
    s1 = advance(advance(s1, x1, w.low), y1, w.high);
    s2 = advance(advance(s2, x2, w.low), y2, w.high);
    s3 = advance(advance(s3, x3, w.low), y3, w.high);
    t0 = advance(advance(t0, x0, v.low), y0, v.high);
    t1 = advance(advance(t1, x1, v.low), y1, v.high);
    t2 = advance(advance(t2, x2, v.low), y2, v.high);
    t3 = advance(advance(t3, x3, v.low), y3, v.high);
  }
  var sums = array<vec4<f32>, 8>(
    s0, t0, s1, t1, s2, t2, s3, t3,
  );
  let end = min(4u, params.row_end - row);
  for (var i = 0u; i < end; i++) {
    store(0u, row + i, column, sums[2u * i]);
    store(0u, row + i, column + 4u, sums[2u * i + 1u]);
  }
}
