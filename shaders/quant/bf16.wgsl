// bf16 weights (the upper half of an f32), row-major, two a word, the lower half first. Binding 2: the values.
@if(VEC4) @group(0) @binding(2) var<storage, read> weights: array<vec2<u32>>;
@else @group(0) @binding(2) var<storage, read> weights: array<u32>;

// Elements 4·index to 4·index + 3.
@if(VEC4)
fn four(index: u32) -> vec4<f32> {
  let words = weights[index];
  return bitcast<vec4<f32>>(vec4(words.x << 16u, words.x & 0xFFFF0000u, words.y << 16u, words.y & 0xFFFF0000u));
}

@if(!VEC4)
fn one(index: u32) -> f32 {
  return bitcast<f32>((weights[index >> 1u] >> ((index & 1u) * 16u)) << 16u);
}
