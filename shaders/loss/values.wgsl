// Losses of values: squared (x − t)², or logistic log(1 + eˣ) − x·t = max(x, 0) − x·t + log(1 + e^−|x|), which cannot overflow.
// In place dx = 2 (x − t) or σ(x) − t, times inverse_targets; losses = the sum over a row, not scaled.
//   1 logits f32 [rows, columns] (→ dx)   2 targets f32 [rows, columns]   3 losses f32 [rows]
// One invocation a row, from row `first_row` on, workgroups of 256 on a flat two-dimensional grid: labels are few.

import package::step::step;

struct Params {
  first_row: u32,
  rows: u32,
  columns: u32,
  is_logistic: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> logits: array<f32>;
@group(0) @binding(2) var<storage, read> targets: array<f32>;
@group(0) @binding(3) var<storage, read_write> losses: array<f32>;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = (group.y * groups.x + group.x) * 256u + local;
  if index >= params.rows {
    return;
  }
  let row = params.first_row + index;
  var loss = 0.0;
  for (var c = 0u; c < params.columns; c++) {
    let i = row * params.columns + c;
    let x = logits[i];
    let t = targets[i];
    let difference = x - t;
    let small = exp(-abs(x));
    let sigmoid = select(small, 1.0, x >= 0.0) / (1.0 + small);
    let is_logistic = params.is_logistic == 1u;
    loss += select(difference * difference, max(x, 0.0) - x * t + log(1.0 + small), is_logistic);
    logits[i] = select(2.0 * difference, sigmoid - t, is_logistic) * step.inverse_targets;
  }
  losses[row] = loss;
}
