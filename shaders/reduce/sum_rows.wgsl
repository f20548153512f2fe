// output[n] = Σ_row x[row, n] (+ output[n]), row after row.
//
// Bindings: 0 params; 1 x f32 [rows, columns]; 2 output f32 [columns]. Dispatch: one lane a column, 64 a workgroup, flat.
struct Params {
  rows: u32,
  columns: u32,
  // flag: go on from what the output holds
  accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let column = (workgroup.y * workgroups.x + workgroup.x) * 64u + lane;
  if (column >= params.columns) {
    return;
  }
  var sum = 0.0;
  if (params.accumulate != 0u) {
    sum = output[column];
  }
  for (var row = 0u; row < params.rows; row++) {
    sum += x[row * params.columns + column];
  }
  output[column] = sum;
}
