// y[i] = word, i < count. 1 y: any 32-bit type [count]. Dispatch: element grid (src/graph/ops/pieces.ts), four elements a thread.
struct Params {
  count: u32,
  word: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;

fn update(i: u32) {
  if i < params.count {
    y[i] = params.word;
  }
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups.x + group.x) * 1024u + lane;
  update(first);
  update(first + 256u);
  update(first + 512u);
  update(first + 768u);
}
