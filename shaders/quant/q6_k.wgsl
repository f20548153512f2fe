// 6-bit weights in superblocks of 16 half blocks of 16 columns, value = d·sc·(q - 32), sc signed (src/quant/q6_k.ts).
//
// Binding 2: codes. Binding 3: four u32 a superblock, a byte a half block, four neighbouring rows side by side:
// [rows / 4, superblocks, 4, 4]. Binding 6: f16 d a superblock, four rows in two words: [rows / 4, superblocks, 2].
import package::quant::octet::{Octet, Scales};
import package::quant::half_blocks::{HalfBlocks, quartetOf, octetOf, superScale};

@group(0) @binding(3) var<storage, read> scales: array<vec4<u32>>;
@group(0) @binding(6) var<storage, read> super_scales: array<vec2<u32>>;

fn scalesAt(group: u32, block: u32, blocks: u32) -> HalfBlocks {
  let super_block = (group * blocks + block) >> 3u;
  let j = block & 7u;
  let d = superScale(super_scales[super_block]);
  let bytes = scales[4u * super_block + (j >> 1u)] >> vec4(16u * (j & 1u));
  return HalfBlocks(half(d, bytes), half(d, bytes >> vec4(8u)));
}

fn half(d: vec4<f32>, byte: vec4<u32>) -> Scales {
  let sc = bitcast<vec4<i32>>(byte << vec4(24u)) >> vec4(24u);
  let scale = d * vec4<f32>(sc);
  return Scales(scale, -32.0 * scale);
}

fn quartetAt(index: u32, s: HalfBlocks) -> mat4x4<f32> {
  return quartetOf(index, s);
}

fn octetAt(index: u32, s: HalfBlocks) -> Octet {
  return octetOf(index, s);
}
