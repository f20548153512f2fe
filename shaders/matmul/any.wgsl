// output[batch, m, n] = alpha · Σ_k a[batch, m, k] · b[batch, k, n] (+ output) (+ bias[n]) for any layout and any extents: what the
// kernels that load four elements at once leave over (ranks 1 to 3, odd vocabularies).
//
// Bindings: 0 params; 1 a f32; 2 b (weight decoder); 4 bias f32 [columns]; 5 output. Element (m, k) of a is at m · a_row + k · a_step
// of its batch, element (k, n) of b at n · b_column + k · b_step.
// Dispatch: x = columns / (lanes along columns · 4), y = rows / (lanes along rows · 4), z = batch. A lane owns 4 rows × 4 columns.
import package::matmul::tile::{params, placeOf, store};
import package::weight::one;

@group(0) @binding(1) var<storage, read> a: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let place = placeOf(workgroup, lane, 4u, 4u);
  let row = place.x;
  let column = place.y;
  let batch = params.batch_start + workgroup.z;
  if (row >= params.row_end || column >= params.column_end) {
    return;
  }
  // rows and columns past the end repeat the last one; what they give is never stored
  let rows = min(vec4(row, row + 1u, row + 2u, row + 3u), vec4(params.row_end - 1u));
  let columns = min(vec4(column, column + 1u, column + 2u, column + 3u), vec4(params.column_end - 1u));
  let a_start = params.a_offset + batch * params.a_batch + rows * params.a_row;
  let b_start = batch * params.b_batch + columns * params.b_column;
  var s0 = vec4<f32>();
  var s1 = vec4<f32>();
  var s2 = vec4<f32>();
  var s3 = vec4<f32>();
  for (var k = 0u; k < params.depth; k++) {
    let i = a_start + k * params.a_step;
    let j = b_start + k * params.b_step;
    let x = vec4(a[i.x], a[i.y], a[i.z], a[i.w]);
    let w = vec4(one(j.x), one(j.y), one(j.z), one(j.w));
    s0 = fma(x.xxxx, w, s0);
    s1 = fma(x.yyyy, w, s1);
    s2 = fma(x.zzzz, w, s2);
    s3 = fma(x.wwww, w, s3);
  }
  store(batch, row, column, s0);
  store(batch, row + 1u, column, s1);
  store(batch, row + 2u, column, s2);
  store(batch, row + 3u, column, s3);
}
