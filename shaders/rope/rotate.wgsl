// Rotary position embedding, Hugging Face's half-split convention, in place: for pair i of the first 2·half values of a head
//   [x1, x2] = [x[i], x[i + half]] → [x1·c − x2·s, x2·c + x1·s],  c, s = table[position][i],  position = offset + query_offset + t
// The inverse (its own transpose, hence also the gradient) turns s to −s. Values from 2·half on stay as they are.
//   1 x f32 [tokens, heads, head_size]   2 table f32 [positions, half, 2] (cosine, sine)
// One invocation a pair, workgroups of 256 on a flat two-dimensional grid; pairs run fastest, so loads are neighbours.
// Source: Su et al., "RoFormer" (2021); the halves as in Transformers' rotate_half.

import package::step::step;

struct Params {
  pairs: u32,       // tokens · heads · half
  heads: u32,
  head_size: u32,
  half: u32,
  sequence: u32,    // T: token n stands at n mod T
  first_token: u32, // of the bound range
  sine_sign: f32,
  offset: u32,      // virtual positions in front
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> x: array<f32>;
@group(0) @binding(2) var<storage, read> table: array<vec2f>;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = (group.y * groups.x + group.x) * 256u + local;
  if (index >= params.pairs) {
    return;
  }
  let pair = index % params.half;
  let head = index / params.half;
  let position = params.offset + step.query_offset + (params.first_token + head / params.heads) % params.sequence;
  let angle = table[position * params.half + pair];
  let sine = params.sine_sign * angle.y;
  let first = head * params.head_size + pair;
  let second = first + params.half;
  let x1 = x[first];
  let x2 = x[second];
  x[first] = x1 * angle.x - x2 * sine;
  x[second] = x2 * angle.x + x1 * sine;
}
