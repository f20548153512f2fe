// y[y_base + Σ iₖ·y_strideₖ] = x[x_base + Σ iₖ·x_strideₖ] over a box of up to six dimensions: transpose, slice, concatenate, pad,
// broadcast, patches. 1 x: words   2 y: words. f32 and u32 alike, because nothing is computed.
// Dispatch: element grid (src/graph/ops/pieces.ts), four elements of the box a thread, in the order of y's memory: neighbours write neighbours.
// Neighbouring dimensions that lie together on both sides are merged beforehand, so most boxes have one to three.
struct Params {
  count: u32,
  rank: u32,
  x_base: u32,
  y_base: u32,
  // (size, x stride, y stride, unused), outermost first
  dimensions: array<vec4u, 6>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

fn update(i: u32) {
  if i >= params.count {
    return;
  }
  var rest = i;
  var x_at = params.x_base;
  var y_at = params.y_base;
  for (var d = params.rank; d > 0u; d--) {
    let dimension = params.dimensions[d - 1u];
    let next = rest / dimension.x;
    let index = rest - next * dimension.x;
    x_at += index * dimension.y;
    y_at += index * dimension.z;
    rest = next;
  }
  y[y_at] = x[x_at];
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
