// 4- and 5-bit weights in superblocks of 8 blocks of 32 columns, value = d·sc·q - dmin·mn: q4_k and q5_k (src/quant/q4_k.ts).
//
// Binding 2: codes. Binding 3: four u32 a superblock, four neighbouring rows side by side, [rows / 4, superblocks, 4, 4]:
// f16 d | f16 dmin; byte j of the next two, sc of block j in its lower 6 bits and the lower 2 bits of mn above; nibble j of the last, the
// upper 4 bits of mn. Every product is exact, so that value is rounded once, as gguf rounds it.
import package::quant::octet::{Octet, Scales, halves};
import package::quant::codes::{codesAt, affine};

@group(0) @binding(3) var<storage, read> scales: array<vec4<u32>>;

fn scalesAt(group: u32, block: u32, blocks: u32) -> Scales {
  let first = ((group * blocks + block) >> 3u) << 2u;
  let j = block & 7u;
  let super_scales = halves(scales[first]);
  let bytes = scales[first + 1u + (j >> 2u)] >> vec4(8u * (j & 3u));
  let nibbles = scales[first + 3u] >> vec4(4u * j);
  let sc = bytes & vec4(63u);
  let mn = ((bytes >> vec4(6u)) & vec4(3u)) | ((nibbles & vec4(15u)) << vec4(2u));
  return Scales(super_scales.d * vec4<f32>(sc), -super_scales.m * vec4<f32>(mn));
}

fn quartetAt(index: u32, s: Scales) -> mat4x4<f32> {
  return affine(codesAt(index), s.d, s.m);
}

fn octetAt(index: u32, s: Scales) -> Octet {
  return Octet(quartetAt(2u * index, s), quartetAt(2u * index + 1u, s));
}
