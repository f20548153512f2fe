// Skew-symmetric matrices from their upper triangles, row by row: y[n, i, j] = v[n, k], y[n, j, i] = −v[n, k], 0 on the diagonal, where
// k = i·b − i(i + 1)/2 + j − i − 1 for i < j, as torch.triu_indices(b, b, 1) counts.
// 1 v: f32 [n, b(b − 1)/2]   2 y: f32 [n, b, b], the elements from `start` on
// Dispatch: flat grid of 256-wide workgroups, an element of y a thread.
struct Params {
  count: u32,
  start: u32,
  size: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> v: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

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
  let b = params.size;
  let at = params.start + local;
  let block = at / (b * b);
  let row = at / b % b;
  let column = at % b;
  if row == column {
    y[local] = 0.0;
    return;
  }
  let i = min(row, column);
  let j = max(row, column);
  let k = i * b - i * (i + 1u) / 2u + j - i - 1u;
  let value = v[block * (b * (b - 1u) / 2u) + k];
  y[local] = select(-value, value, row < column);
}
