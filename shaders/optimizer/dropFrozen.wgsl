// ∇ ← 0 where the group of the parameter has learning-rate factor 0.
// 1 gradient: f32, a range of the flat space   2 groups: u32 [blocks of 64]   3 rates: f32 [groups, 4] of adamw.wgsl
// Dispatch: element grid (src/graph/ops/pieces.ts), four numbers a thread.
struct Params {
  count: u32,
  start: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> gradient: array<f32>;
@group(0) @binding(2) var<storage, read> groups: array<u32>;
@group(0) @binding(3) var<storage, read> rates: array<vec4f>;

fn drop(i: u32) {
  if i < params.count && rates[groups[(params.start + i) / 64u]].x == 0.0 {
    gradient[i] = 0.0;
  }
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups_of_threads: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups_of_threads.x + group.x) * 1024u + lane;
  drop(first);
  drop(first + 256u);
  drop(first + 512u);
  drop(first + 768u);
}
