// mask[i] = 1 where fewer than k scores rank before score i, else 0; score j ranks before i when it is larger, or equal and j < i.
// 1 scores: f32 [n]   2 mask: f32, the elements from `start` on   3 k: u32 [1], read where has_k = 1, else params.k serves
// Dispatch: flat grid of 256-wide workgroups, a score a thread. Counting costs n² comparisons and no sort: AdaLoRA ranks some thousands.
struct Params {
  count: u32,
  start: u32,
  scores: u32,
  k: u32,
  has_k: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> scores: array<f32>;
@group(0) @binding(2) var<storage, read_write> mask: array<f32>;
@group(0) @binding(3) var<storage, read> k: array<u32>;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let local = (group.y * groups.x + group.x) * 256u + lane;
  if local >= params.count {
    return;
  }
  let i = params.start + local;
  let own = scores[i];
  var before = 0u;
  for (var j = 0u; j < params.scores; j++) {
    let other = scores[j];
    before += select(0u, 1u, other > own || (other == own && j < i));
  }
  var wanted = params.k;
  if params.has_k == 1u {
    wanted = k[0];
  }
  mask[local] = select(0.0, 1.0, before < wanted);
}
