// f32 weights, row-major. Binding 2: the values.
@if(VEC4) @group(0) @binding(2) var<storage, read> weights: array<vec4<f32>>;
@else @group(0) @binding(2) var<storage, read> weights: array<f32>;

// Elements 4·index to 4·index + 3.
@if(VEC4)
fn four(index: u32) -> vec4<f32> {
  return weights[index];
}

@if(!VEC4)
fn one(index: u32) -> f32 {
  return weights[index];
}
