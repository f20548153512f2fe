// Numbers rounded to halves before they are quantised to 8 bits, as bitsandbytes' Int8Params does: to the nearest, ties to even, to
// infinity from 65,520 on. Bits of an f32 in and out.
@if(F16)
fn rounded(bits: vec4<u32>) -> vec4<u32> {
  return bits;
}

@else
fn rounded(bits: vec4<u32>) -> vec4<u32> {
  let magnitude = bits & vec4(0x7FFFFFFFu);
  let normal = (magnitude + vec4(0xFFFu) + ((magnitude >> vec4(13u)) & vec4(1u))) & vec4(0xFFFFE000u);
  // below 2⁻¹⁴ halves are multiples of 2⁻²⁴
  let small = bitcast<vec4<u32>>(round(bitcast<vec4<f32>>(magnitude) * 0x1p24f) * 0x1p-24f);
  let infinite = vec4(0x7F800000u);
  let finite = select(normal, small, magnitude < vec4(0x38800000u));
  return (bits & vec4(0x80000000u)) | select(finite, infinite, magnitude >= vec4(0x477FF000u));
}
