// Blocks whose halves of 16 columns have scales of their own: value = d·q + m with the first or the second pair.
import package::quant::octet::{Octet, Scales};
import package::quant::codes::{codesAt, affine};

struct HalfBlocks {
  first: Scales,
  second: Scales,
}

fn quartetOf(index: u32, s: HalfBlocks) -> mat4x4<f32> {
  let is_second = (index & 4u) != 0u;
  return affine(codesAt(index), select(s.first.d, s.second.d, is_second), select(s.first.m, s.second.m, is_second));
}

fn octetOf(index: u32, s: HalfBlocks) -> Octet {
  return Octet(quartetOf(2u * index, s), quartetOf(2u * index + 1u, s));
}

// Half d of a superblock for four rows, of a plane of two words for four rows.
fn superScale(pair: vec2<u32>) -> vec4<f32> {
  return vec4(unpack2x16float(pair.x), unpack2x16float(pair.y));
}
