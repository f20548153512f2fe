// y = softmax(x) along rows: exp(x − max) / Σ exp(x − max).
// 1 y: f32 [rows, columns], holds x before
// A workgroup of 64 takes 64 / lanes rows, `lanes` neighbours a row; flat two-dimensional grid of workgroups. Each invocation reads and
// writes its own columns only, so the row stays in place. Sums and maxima go by a tree over the lanes: the same bits each time.
import package::reduce::lanes::{max_over_lanes, sum_over_lanes};

struct Params {
  rows: u32,
  columns: u32,
  lanes: u32, // a power of two, at most 64
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

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
  var largest = -3.4028234e38;
  for (var c = lane; c < end; c += params.lanes) {
    largest = max(largest, y[start + c]);
  }
  largest = max_over_lanes(local, params.lanes, largest);
  var sum = 0.0;
  for (var c = lane; c < end; c += params.lanes) {
    sum += exp(y[start + c] - largest);
  }
  let scale = 1.0 / sum_over_lanes(local, params.lanes, vec2f(sum, 0.0)).x;
  for (var c = lane; c < end; c += params.lanes) {
    y[start + c] = exp(y[start + c] - largest) * scale;
  }
}
