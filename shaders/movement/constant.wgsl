// y[i] = value, or the value on the diagonal of square matrices and 0 beside it.
// 1 y: f32, the elements from `start` on. size: columns of a square matrix, 0 = every element takes the value.
// Dispatch: element grid (src/graph/ops/pieces.ts), four numbers a thread.
struct Params {
  count: u32,
  start: u32,
  size: u32,
  value: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

fn put(i: u32) {
  if i >= params.count {
    return;
  }
  var value = params.value;
  if params.size > 0u {
    let at = (params.start + i) % (params.size * params.size);
    value = select(0.0, params.value, at % (params.size + 1u) == 0u);
  }
  y[i] = value;
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups.x + group.x) * 1024u + lane;
  put(first);
  put(first + 256u);
  put(first + 512u);
  put(first + 768u);
}
