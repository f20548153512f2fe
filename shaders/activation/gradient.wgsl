// dx = act'(x) · dy, in place over dy. With a gate (y = act(x) · up): dx = act'(x) · up · dy and dup = act(x) · dy
//   1 x f32 [count]   2 up f32 [count] (unused without a gate)   3 dy → dx f32 [count]   4 dup f32 [count] (unused without a gate)
// One invocation an element, workgroups of 256 on a flat two-dimensional grid.

import package::activation::functions::activate;
import package::activation::functions::activation_derivative;

struct Params {
  count: u32,
  kind: u32,
  gated: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> up: array<f32>;
@group(0) @binding(3) var<storage, read_write> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> dup: array<f32>;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = (group.y * groups.x + group.x) * 256u + local;
  if (i >= params.count) {
    return;
  }
  let slope = activation_derivative(params.kind, x[i]) * dy[i];
  if (params.gated == 1u) {
    dup[i] = activate(params.kind, x[i]) * dy[i];
    dy[i] = slope * up[i];
  } else {
    dy[i] = slope;
  }
}
