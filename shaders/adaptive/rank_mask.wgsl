// mask[i] ← 1 where at least k scores are smaller than score i, else 0: the k lowest are cut, and all that equal the last of them.
// 1 scores: f32 [n]   2 mask: f32 [n]   3 control: u32 [4]; word 1: 0 = leave the mask as it is; word 3: k
// The scores are only read, but share a buffer with the mask, and WebGPU wants one kind of access for a buffer.
// Dispatch: flat grid of 256-wide workgroups, a score a thread. Counting costs n² comparisons and no sort: AdaLoRA ranks some thousands.
struct Params {
  count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> scores: array<f32>;
@group(0) @binding(2) var<storage, read_write> mask: array<f32>;
@group(0) @binding(3) var<storage, read> control: array<u32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = group.x * 256u + lane;
  if i >= params.count || control[1] == 0u {
    return;
  }
  let own = scores[i];
  var smaller = 0u;
  for (var j = 0u; j < params.count; j++) {
    smaller += select(0u, 1u, scores[j] < own);
  }
  mask[i] = select(0.0, 1.0, smaller >= control[3]);
}
