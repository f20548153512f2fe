// RMSNorm: y = x · rstd · w,               rstd = 1 / √(mean(x²) + ε)
// LayerNorm: y = (x − mean) · rstd · w + b,  rstd = 1 / √(mean((x − mean)²) + ε)   (centered = 1)
//   1 x f32 [rows, columns]   2 weight f32 [columns]   3 bias f32 [columns] (read where has_bias = 1)   4 y f32 [rows, columns]
// A workgroup of 64 takes 64 / lanes rows, `lanes` neighbours a row: short rows (a head's 20 values) fill it as well as long ones.
// Flat two-dimensional grid of workgroups. The variance is taken in a second pass over the row: E[x²] − mean² loses digits.
// Sources: Zhang & Sennrich, "Root mean square layer normalization" (2019); Ba et al., "Layer normalization" (2016).

import package::reduce::lanes::sum_over_lanes;

struct Params {
  rows: u32,
  columns: u32,
  lanes: u32, // a power of two, at most 64
  centered: u32,
  has_bias: u32,
  epsilon: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

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

  var mean = 0.0;
  if (params.centered == 1u) {
    var sum = 0.0;
    for (var c = lane; c < end; c += params.lanes) {
      sum += x[start + c];
    }
    mean = sum_over_lanes(local, params.lanes, vec2f(sum, 0.0)).x / size;
  }

  var squares = 0.0;
  for (var c = lane; c < end; c += params.lanes) {
    let difference = x[start + c] - mean;
    squares += difference * difference;
  }
  let rstd = inverseSqrt(sum_over_lanes(local, params.lanes, vec2f(squares, 0.0)).x / size + params.epsilon);

  for (var c = lane; c < end; c += params.lanes) {
    var value = (x[start + c] - mean) * rstd * weight[c];
    if (params.has_bias == 1u) {
      value += bias[c];
    }
    y[start + c] = value;
  }
}
