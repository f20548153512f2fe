// The gradient of RMSNorm and LayerNorm by their input. With x̂ = (x − mean)·rstd (mean = 0 for RMSNorm) and g = dy·w:
//   dx = rstd · (g − mean(g) − x̂ · mean(g·x̂)),  without mean(g) for RMSNorm
// Mean and rstd are made again here: the row is read for the sums of g anyway, so that keeping them would save nothing.
//   1 x f32 [rows, columns]   2 weight f32 [columns]   3 dy f32 [rows, columns]   4 dx f32 [rows, columns]
//   5 statistics f32 [rows, 2]: mean and rstd for the weight's gradient, written where keep_statistics = 1
// Workgroups and lanes as in norm/forward.

import package::reduce::lanes::sum_over_lanes;

struct Params {
  rows: u32,
  columns: u32,
  lanes: u32, // a power of two, at most 64
  centered: u32,
  keep_statistics: u32,
  first_row: u32, // of the bound ranges, among all rows
  epsilon: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;
@group(0) @binding(5) var<storage, read_write> statistics: array<vec2f>;

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
  let size = f32(params.columns);

  var means = vec2f(0.0); // of x and of g
  if (params.centered == 1u) {
    var sums = vec2f(0.0);
    for (var c = lane; c < end; c += params.lanes) {
      sums += vec2f(x[start + c], dy[start + c] * weight[c]);
    }
    means = sum_over_lanes(local, params.lanes, sums) / size;
  }

  var products = vec2f(0.0); // (x − mean)² and g·(x − mean)
  for (var c = lane; c < end; c += params.lanes) {
    let difference = x[start + c] - means.x;
    products += difference * vec2f(difference, dy[start + c] * weight[c]);
  }
  products = sum_over_lanes(local, params.lanes, products) / size;
  let rstd = inverseSqrt(products.x + params.epsilon);
  let slope = products.y * rstd * rstd;

  for (var c = lane; c < end; c += params.lanes) {
    dx[start + c] = rstd * (dy[start + c] * weight[c] - means.y - (x[start + c] - means.x) * slope);
  }
  if (params.keep_statistics == 1u && lane == 0u && row < params.rows) {
    statistics[params.first_row + row] = vec2f(means.x, rstd);
  }
}
