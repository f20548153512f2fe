// Gradient of attention's bias table out of the diagonals of the scores: table[h, clamp(d, −R, R) + R] = Σ_b Σ_d diagonals[b, h, zero + d],
// the distances d in their order, each through the batch. `zero` is the diagonal of distance 0 where the first query stands at position 0.
//   1 diagonals f32 [B, heads, count]   2 table f32 [heads, 2 · R + 1]
// One lane an entry of the table, 64 a workgroup, flat; those of the two ends add the diagonals beyond them, B · count numbers at most.
// Source: Shaw et al., "Self-Attention with Relative Position Representations" (2018), whose clipped distances share an entry; its
// gradient is their sum.

import package::step::step;

struct Params {
  batches: u32,
  heads: u32,
  count: u32,
  reach: u32,
  zero: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> diagonals: array<f32>;
@group(0) @binding(2) var<storage, read_write> table: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let entry = (workgroup.y * workgroups.x + workgroup.x) * 64u + local;
  let width = 2u * params.reach + 1u;
  if (entry >= params.heads * width) {
    return;
  }
  let head = entry / width;
  let at = entry % width;
  let own = i32(params.zero + step.query_offset + at) - i32(params.reach);
  let last = i32(params.count) - 1;
  let from_diagonal = select(max(own, 0), 0, at == 0u);
  let to_diagonal = select(min(own, last), last, at + 1u == width);
  var sum = 0.0;
  for (var diagonal = from_diagonal; diagonal <= to_diagonal; diagonal++) {
    for (var batch = 0u; batch < params.batches; batch++) {
      sum += diagonals[(batch * params.heads + head) * params.count + u32(diagonal)];
    }
  }
  table[entry] = sum;
}
