// Twice the skew part of square matrices, as its upper triangle: v[n, k] = x[n, i, j] − x[n, j, i] for i < j; see skew.wgsl for k.
// 1 x: f32 [n, b, b]   2 v: f32 [n, b(b − 1)/2]
// Dispatch: flat grid of 256-wide workgroups, a pair (row, column) of a matrix a thread; those above the diagonal write.
struct Params {
  count: u32,
  size: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> v: array<f32>;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = (group.y * groups.x + group.x) * 256u + lane;
  let b = params.size;
  let block = at / (b * b);
  let i = at / b % b;
  let j = at % b;
  if at >= params.count || i >= j {
    return;
  }
  let k = i * b - i * (i + 1u) / 2u + j - i - 1u;
  v[block * (b * (b - 1u) / 2u) + k] = x[at] - x[block * b * b + j * b + i];
}
