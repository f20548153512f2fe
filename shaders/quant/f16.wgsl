// f16 weights, row-major, two a word, the lower half first. Binding 2: the values. Needs no shader-f16.
@if(VEC4) @group(0) @binding(2) var<storage, read> weights: array<vec2<u32>>;
@else @group(0) @binding(2) var<storage, read> weights: array<u32>;

// Elements 4·index to 4·index + 3.
@if(VEC4)
fn four(index: u32) -> vec4<f32> {
  let words = weights[index];
  return vec4(unpack2x16float(words.x), unpack2x16float(words.y));
}

@if(!VEC4)
fn one(index: u32) -> f32 {
  let pair = unpack2x16float(weights[index >> 1u]);
  return select(pair.x, pair.y, (index & 1u) == 1u);
}
