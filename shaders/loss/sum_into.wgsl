// state[0] += Σ values, in a fixed order: each of 256 lanes takes every 256th value, a tree joins the lanes.
//   1 values f32 [count]   2 state f32 [1]
// One workgroup.

import package::reduce::lanes::sum_over_lanes;

struct Params {
  count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> values: array<f32>;
@group(0) @binding(2) var<storage, read_write> state: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) local: u32) {
  var sum = 0.0;
  for (var i = local; i < params.count; i += 256u) {
    sum += values[i];
  }
  let total = sum_over_lanes(local, 256u, vec2f(sum, 0.0)).x;
  if (local == 0u) {
    state[0] += total;
  }
}
