// 5-bit weights in blocks of 32 columns, value = d·q + m: q5_0 and q5_1 (src/quant/q5.ts).
//
// Binding 2: codes. Binding 3: one u32 a block = f16 d | f16 m, four neighbouring rows side by side: [rows / 4, blocks, 4].
import package::quant::octet::{Octet, Scales, halves};
import package::quant::codes::{codesAt, affine};

@group(0) @binding(3) var<storage, read> scales: array<vec4<u32>>;

fn scalesAt(group: u32, block: u32, blocks: u32) -> Scales {
  return halves(scales[group * blocks + block]);
}

fn quartetAt(index: u32, s: Scales) -> mat4x4<f32> {
  return affine(codesAt(index), s.d, s.m);
}

fn octetAt(index: u32, s: Scales) -> Octet {
  return Octet(quartetAt(2u * index, s), quartetAt(2u * index + 1u, s));
}
