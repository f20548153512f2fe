// output[m, n] = alpha · Σ_k a[m, k] · b[n, k] (+ output) (+ bias[n]); b in a block format, four rows side by side.
//
// Bindings: 0 params; 1 a f32 [rows, depth]; 2 and 3 b (weight decoder) [columns, depth]; 4 bias f32 [columns]; 5 output.
// Dispatch: x = columns / (lanes along columns · 4), y = rows / (lanes along rows · 8). A lane owns 8 rows × 4 columns.
// Idea: one vec4 load holds eight columns of four rows of b, which makes the stored [n, k] an outer product over n.
import package::matmul::tile::{params, placeOf, advance, store};
import package::matmul::left::{rowOf, left};
import package::weight::{scalesAt, octetAt};

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let place = placeOf(workgroup, lane, 8u, 4u);
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
  let block_start = (column >> 2u) * (params.depth >> 5u);
  let octet_start = (column >> 2u) * (params.depth >> 3u);
  var s0 = vec4<f32>();
  var s1 = vec4<f32>();
  var s2 = vec4<f32>();
  var s3 = vec4<f32>();
  var s4 = vec4<f32>();
  var s5 = vec4<f32>();
  var s6 = vec4<f32>();
  var s7 = vec4<f32>();
  for (var k = 0u; k < params.depth; k += 8u) {
    let w = octetAt(octet_start + (k >> 3u), scalesAt(block_start + (k >> 5u)));
    s0 = advance(advance(s0, left(a0, k), w.low), left(a0, k + 4u), w.high);
    s1 = advance(advance(s1, left(a1, k), w.low), left(a1, k + 4u), w.high);
    s2 = advance(advance(s2, left(a2, k), w.low), left(a2, k + 4u), w.high);
    s3 = advance(advance(s3, left(a3, k), w.low), left(a3, k + 4u), w.high);
    s4 = advance(advance(s4, left(a4, k), w.low), left(a4, k + 4u), w.high);
    s5 = advance(advance(s5, left(a5, k), w.low), left(a5, k + 4u), w.high);
    s6 = advance(advance(s6, left(a6, k), w.low), left(a6, k + 4u), w.high);
    s7 = advance(advance(s7, left(a7, k), w.low), left(a7, k + 4u), w.high);
  }
  store(0u, row, column, s0);
  store(0u, row + 1u, column, s1);
  store(0u, row + 2u, column, s2);
  store(0u, row + 3u, column, s3);
  store(0u, row + 4u, column, s4);
  store(0u, row + 5u, column, s5);
  store(0u, row + 6u, column, s6);
  store(0u, row + 7u, column, s7);
}
