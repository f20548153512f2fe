// output[m, n] = alpha · Σ_k a[m, k] · b[n, k] (+ output) (+ bias[n]); b in a block format, four rows side by side: y = x·Wᵀ.
//
// Bindings: 0 params; 1 a f32 [rows, depth]; 2, 3 and 6 b (weight decoder) [columns, depth]; 4 bias f32 [columns]; 5 output.
// Where depth is no multiple of 32 the weight's rows are filled up with zeros to one.
// Dispatch: x = columns / (lanes along columns · 8), y = rows / (lanes along rows · 8). A lane owns 8 rows × 8 columns.
// Idea: one vec4 load holds the same columns of four rows of b, which makes the stored [n, k] an outer product over n; four steps of
// the reduction a turn, and one read of the scales for each block of 32.
// Lost (GFLOP/s of 4 bits on lavapipe, SwiftShader; this one then 25, 7.1): eight steps a turn: 4 × 4 16, 4.8; 4 × 8 22, 6.6;
// 4 × 12 22, 4.2; 8 × 4 15, 5.5; 8 × 8 25, 4.6; sixteen steps, 4 × 8, 17, 4.1; scales read every turn 24, 6.8, or behind an if 27, 5.4.
import package::matmul::tile::{params, placeOf, advance, store};
import package::matmul::left::{rowOf, left};
import package::weight::{scalesAt, quartetAt};

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
  let quartets = (params.depth + 3u) >> 2u;
  let blocks = (params.depth + 31u) >> 5u;
  let group = column >> 2u;
  let next = min(group + 1u, (params.column_end - 1u) >> 2u);
  let w_quartets = (group * blocks) << 3u;
  let v_quartets = (next * blocks) << 3u;
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
  for (var block = 0u; block < blocks; block++) {
    let w_scales = scalesAt(group, block, blocks);
    let v_scales = scalesAt(next, block, blocks);
    let end = min((block + 1u) << 3u, quartets);
    for (var quartet = block << 3u; quartet < end; quartet++) {
      let x0 = left(a0, quartet);
      let x1 = left(a1, quartet);
      let x2 = left(a2, quartet);
      let x3 = left(a3, quartet);
      let x4 = left(a4, quartet);
      let x5 = left(a5, quartet);
      let x6 = left(a6, quartet);
      let x7 = left(a7, quartet);
      let w = quartetAt(w_quartets + quartet, w_scales);
      s0 = advance(s0, x0, w);
      s1 = advance(s1, x1, w);
      s2 = advance(s2, x2, w);
      s3 = advance(s3, x3, w);
      s4 = advance(s4, x4, w);
      s5 = advance(s5, x5, w);
      s6 = advance(s6, x6, w);
      s7 = advance(s7, x7, w);
      let v = quartetAt(v_quartets + quartet, v_scales);
      t0 = advance(t0, x0, v);
      t1 = advance(t1, x1, v);
      t2 = advance(t2, x2, v);
      t3 = advance(t3, x3, v);
      t4 = advance(t4, x4, v);
      t5 = advance(t5, x5, v);
      t6 = advance(t6, x6, v);
      t7 = advance(t7, x7, v);
    }
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
