// 2-bit weights in superblocks of 16 half blocks of 16 columns, value = d·sc·q - dmin·mn (src/quant/q2_k.ts).
//
// Binding 2: codes. Binding 3: five u32 a superblock, four neighbouring rows side by side, [rows / 4, superblocks, 5, 4]:
// f16 d | f16 dmin, then a byte a half block, sc in its lower and mn in its upper nibble.
import package::quant::octet::{Octet, Scales, halves};
import package::quant::half_blocks::{HalfBlocks, quartetOf, octetOf};

@group(0) @binding(3) var<storage, read> scales: array<vec4<u32>>;

fn scalesAt(group: u32, block: u32, blocks: u32) -> HalfBlocks {
  let first = ((group * blocks + block) >> 3u) * 5u;
  let j = block & 7u;
  let super_scales = halves(scales[first]);
  let bytes = scales[first + 1u + (j >> 1u)] >> vec4(16u * (j & 1u));
  return HalfBlocks(half(super_scales, bytes), half(super_scales, bytes >> vec4(8u)));
}

fn half(super_scales: Scales, byte: vec4<u32>) -> Scales {
  let sc = vec4<f32>(byte & vec4(15u));
  let mn = vec4<f32>((byte >> vec4(4u)) & vec4(15u));
  return Scales(super_scales.d * sc, -super_scales.m * mn);
}

fn quartetAt(index: u32, s: HalfBlocks) -> mat4x4<f32> {
  return quartetOf(index, s);
}

fn octetAt(index: u32, s: HalfBlocks) -> Octet {
  return octetOf(index, s);
}
