// output[n] = alpha · Σ_k a[k] · b[n, k] (+ output) (+ bias[n]): one row against a weight in plain floats, for decoding a token.
//
// Bindings: 0 params; 1 a f32 [depth]; 2 b (weight decoder) [columns, depth], depth a multiple of 4; 4 bias f32 [columns]; 5 output.
// Dispatch: x = columns / (lanes along columns · 8). A lane owns 8 columns and every sliceCount-th four steps of the reduction.
import package::matmul::tile::{params, store};
import package::matmul::left::{rowOf, left};
import package::matmul::slices::{sliceCount, gather};
import package::weight::four;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let lanes = 1u << params.lanes_log2;
  let column = params.column_start + (workgroup.x * lanes + (lane & (lanes - 1u))) * 8u;
  let a0 = rowOf(0u, params.row_start);
  let fours = params.depth >> 2u;
  let last = params.column_end - 1u;
  let b0 = min(column, last) * fours;
  let b1 = min(column + 1u, last) * fours;
  let b2 = min(column + 2u, last) * fours;
  let b3 = min(column + 3u, last) * fours;
  let b4 = min(column + 4u, last) * fours;
  let b5 = min(column + 5u, last) * fours;
  let b6 = min(column + 6u, last) * fours;
  let b7 = min(column + 7u, last) * fours;
  var s = vec4<f32>();
  var t = vec4<f32>();
  for (var i = lane >> params.lanes_log2; i < fours; i += sliceCount()) {
    let x = left(a0, i);
    s += x * mat4x4<f32>(four(b0 + i), four(b1 + i), four(b2 + i), four(b3 + i));
    t += x * mat4x4<f32>(four(b4 + i), four(b5 + i), four(b6 + i), four(b7 + i));
  }
  let sums = gather(lane, array<vec4<f32>, 2>(s, t));
  if (lane < lanes) {
    store(0u, params.row_start, column, sums[0]);
    store(0u, params.row_start, column + 4u, sums[1]);
  }
}
