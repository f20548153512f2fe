// Numbers as a file holds them, F32, F16 or BF16 row by row, read as the bits of the f32 that they stand for. Whole-number arithmetic
// throughout: WGSL lets a device flush what is below 2⁻¹⁴ (halves) or 2⁻¹²⁶ to zero wherever it takes it for a number.
//
// Binding 1: the words of the file, the first number in the lowest bits.
@group(0) @binding(1) var<storage, read> stored: array<u32>;

// Numbers 4·quartet to 4·quartet + 3.
@if(F32)
fn four(quartet: u32) -> vec4<u32> {
  let at = 4u * quartet;
  return vec4(stored[at], stored[at + 1u], stored[at + 2u], stored[at + 3u]);
}

@else
fn four(quartet: u32) -> vec4<u32> {
  let a = stored[2u * quartet];
  let b = stored[2u * quartet + 1u];
  return widened(vec4(a & 0xFFFFu, a >> 16u, b & 0xFFFFu, b >> 16u));
}

@if(F32)
fn one(index: u32) -> u32 {
  return stored[index];
}

@else
fn one(index: u32) -> u32 {
  return widened(vec4((stored[index >> 1u] >> (16u * (index & 1u))) & 0xFFFFu)).x;
}

@if(BF16)
fn widened(halves: vec4<u32>) -> vec4<u32> {
  return halves << vec4(16u);
}

@if(F16)
fn widened(halves: vec4<u32>) -> vec4<u32> {
  let sign = (halves & vec4(0x8000u)) << vec4(16u);
  let magnitude = halves & vec4(0x7FFFu);
  let normal = (magnitude << vec4(13u)) + vec4(112u << 23u); // 112 = 127 − 15, the difference of the biases
  let small = bitcast<vec4<u32>>(vec4<f32>(magnitude) * 0x1p-24f);
  let special = (magnitude << vec4(13u)) | vec4(0x7F800000u);
  let finite = select(normal, small, magnitude < vec4(0x400u));
  return sign | select(finite, special, magnitude >= vec4(0x7C00u));
}
