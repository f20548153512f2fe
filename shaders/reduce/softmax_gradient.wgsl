// dx = y · (dy − Σ dy · y) along rows: the gradient of y = softmax(x).
// 1 dx: f32 [rows, columns], holds dy before   2 y: f32 [rows, columns]
// A workgroup of 64 takes 64 / lanes rows, `lanes` neighbours a row; flat two-dimensional grid of workgroups.
import package::reduce::lanes::sum_over_lanes;

struct Params {
  rows: u32,
  columns: u32,
  lanes: u32, // a power of two, at most 64
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> dx: array<f32>;
@group(0) @binding(2) var<storage, read> y: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row = (group.y * groups.x + group.x) * (64u / params.lanes) + local / params.lanes;
  let lane = local % params.lanes;
  let start = row * params.columns;
  let end = select(0u, params.columns, row < params.rows);
  var sum = 0.0;
  for (var c = lane; c < end; c += params.lanes) {
    sum += dx[start + c] * y[start + c];
  }
  let total = sum_over_lanes(local, params.lanes, vec2f(sum, 0.0)).x;
  for (var c = lane; c < end; c += params.lanes) {
    dx[start + c] = y[start + c] * (dx[start + c] - total);
  }
}
