// y[i] ← 0 where mask[offset + i] is 0.
// 1 y: f32 [count]   2 mask: f32   3 control: u32 [4]; word 2: 0 = leave y as it is
// Dispatch: flat grid of 256-wide workgroups, a number a thread.
struct Params {
  count: u32,
  offset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> mask: array<f32>;
@group(0) @binding(3) var<storage, read> control: array<u32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = group.x * 256u + lane;
  if i < params.count && control[2] == 1u && mask[params.offset + i] == 0.0 {
    y[i] = 0.0;
  }
}
