// The additive bias table of attention, bound only with BIAS: s_ij += bias[h, clamp(j − i, −R, R) + R] for absolute positions i and j,
// as ALiBi (Press et al., 2022) and T5's relative positions (Raffel et al., 2020) have it. Keys of the prefix
// stand at −prefix … −1, as Transformers counts the keys of a cache that came before.
//   8 bias f32 [query_heads, 2 · R + 1]

import package::attention::shape::shape;

@group(0) @binding(8) var<storage, read> bias: array<f32>;

/// For four pairs of a query and a key row, what to add to q·k before it is scaled. `rows`: where the tables of the queries' heads start.
fn bias_of(rows: vec4u, positions: vec4u, keys: vec4u) -> vec4f {
  let reach = vec4i(i32(shape.bias_reach));
  let distances = clamp(vec4i(keys - shape.prefix) - vec4i(positions), -reach, reach);
  let at = rows + vec4u(distances + reach);
  return vec4f(bias[at.x], bias[at.y], bias[at.z], bias[at.w]) / shape.scale;
}
