// output[batch, m, n] = alpha · Σ_k a[batch, k, m] · b[batch, k, n] (+ output) (+ bias[n]): dW = dyᵀ·x; rows and columns multiples of 4.
//
// Bindings: 0 params; 1 a f32 [batch, depth, rows]; 2 b f32 [batch, depth, columns]; 4 bias f32 [columns]; 5 output.
// Dispatch: x = columns / (lanes along columns · 8), y = rows / (lanes along rows · 8), z = batch. A lane owns 8 rows × 8 columns.
// Idea: outer product of a row of a and a row of b, one step of the reduction a turn.
import package::matmul::tile::{params, placeOf, store};

@group(0) @binding(1) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> b: array<vec4<f32>>;

// Four neighbours of the row that starts at `start`; past the end they repeat the last ones, and what they give is never stored.
fn left(start: u32, row: u32) -> vec4<f32> {
  return a[(start + min(row, params.row_end - 4u)) >> 2u];
}

fn right(start: u32, column: u32) -> vec4<f32> {
  return b[(start + min(column, params.column_end - 4u)) >> 2u];
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
  let a0 = params.a_offset + batch * params.a_batch;
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
    let a_row = a0 + k * params.a_step;
    let b_row = b0 + k * params.b_step;
    let x = left(a_row, row);
    let y = left(a_row, row + 4u);
    let w = right(b_row, column);
    let v = right(b_row, column + 4u);
    s0 = fma(x.xxxx, w, s0);
    s1 = fma(x.yyyy, w, s1);
    s2 = fma(x.zzzz, w, s2);
    s3 = fma(x.wwww, w, s3);
    s4 = fma(y.xxxx, w, s4);
    s5 = fma(y.yyyy, w, s5);
    s6 = fma(y.zzzz, w, s6);
    s7 = fma(y.wwww, w, s7);
    t0 = fma(x.xxxx, v, t0);
    t1 = fma(x.yyyy, v, t1);
    t2 = fma(x.zzzz, v, t2);
    t3 = fma(x.wwww, v, t3);
    t4 = fma(y.xxxx, v, t4);
    t5 = fma(y.yyyy, v, t5);
    t6 = fma(y.zzzz, v, t6);
    t7 = fma(y.wwww, v, t7);
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
