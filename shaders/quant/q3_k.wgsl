// 3-bit weights in superblocks of 16 half blocks of 16 columns, value = d·(sc - 32)·(q - 4) (src/quant/q3_k.ts).
//
// Binding 2: codes. Binding 3: three u32 a superblock, four neighbouring rows side by side, [rows / 4, superblocks, 3, 4]: a nibble a
// half block, the lower bits of sc, in two words; two bits a half block, the upper ones, in the third.
// Binding 6: f16 d a superblock, four rows in two words: [rows / 4, superblocks, 2].
import package::quant::octet::{Octet, Scales};
import package::quant::half_blocks::{HalfBlocks, quartetOf, octetOf, superScale};

@group(0) @binding(3) var<storage, read> scales: array<vec4<u32>>;
@group(0) @binding(6) var<storage, read> super_scales: array<vec2<u32>>;

fn scalesAt(group: u32, block: u32, blocks: u32) -> HalfBlocks {
  let super_block = (group * blocks + block) >> 3u;
  let j = block & 7u;
  let d = superScale(super_scales[super_block]);
  let lower = scales[3u * super_block + (j >> 2u)] >> vec4(8u * (j & 3u));
  let upper = scales[3u * super_block + 2u] >> vec4(4u * j);
  return HalfBlocks(half(d, lower, upper), half(d, lower >> vec4(4u), upper >> vec4(2u)));
}

fn half(d: vec4<f32>, lower: vec4<u32>, upper: vec4<u32>) -> Scales {
  let sc = vec4<i32>((lower & vec4(15u)) | ((upper & vec4(3u)) << vec4(4u))) - vec4(32i);
  let scale = d * vec4<f32>(sc);
  return Scales(scale, -4.0 * scale);
}

fn quartetAt(index: u32, s: HalfBlocks) -> mat4x4<f32> {
  return quartetOf(index, s);
}

fn octetAt(index: u32, s: HalfBlocks) -> Octet {
  return octetOf(index, s);
}
