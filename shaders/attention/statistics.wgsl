// What the backward pass needs of each query row, side by side: its lse, and delta = Σ_d dO·O (Dao et al., "FlashAttention", eq. 4).
//   1 output f32 [B, Tq, heads, head_size]   2 output_gradient likewise   3 lse f32 [B, heads, Tq]   4 statistics f32 [B, heads, Tq, 2]
// One invocation a row, in the order of the output's rows; workgroups of 64 on a flat two-dimensional grid.

struct Params {
  rows: u32, // B · Tq · heads
  query_rows: u32,
  query_heads: u32,
  head_size: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> output: array<f32>;
@group(0) @binding(2) var<storage, read> output_gradient: array<f32>;
@group(0) @binding(3) var<storage, read> lse: array<f32>;
@group(0) @binding(4) var<storage, read_write> statistics: array<vec2f>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row = (workgroup.y * workgroups.x + workgroup.x) * 64u + local;
  if (row >= params.rows) {
    return;
  }
  var delta = 0.0;
  for (var d = 0u; d < params.head_size; d++) {
    delta += output[row * params.head_size + d] * output_gradient[row * params.head_size + d];
  }
  let head = row % params.query_heads;
  let query = row / params.query_heads % params.query_rows;
  let batch = row / (params.query_heads * params.query_rows);
  let i = (batch * params.query_heads + head) * params.query_rows + query;
  statistics[i] = vec2f(lse[i], delta);
}
