// 2-, 3-, 4- and 8-bit weights with a scale and a zero point for each group of columns, value = d·(q - z): GPTQ and AWQ (src/quant/grouped.ts).
//
// Binding 2: codes. Binding 3: one u32 a group = f16 d | f16 z, four neighbouring rows side by side: [rows / 4, groups, 4].
// Binding 6: u32, how many groups a row has, then the group of each block of 32 columns or, INDEXED, of each column.
import package::quant::octet::{Octet, Scales, halves};
import package::quant::codes::codesAt;
@if(!INDEXED) import package::quant::codes::affine;

@group(0) @binding(3) var<storage, read> scales: array<vec4<u32>>;
@group(0) @binding(6) var<storage, read> groups: array<u32>;

// Every product and sum is exact: d has 11 bits, q and z at most 8.
fn groupScales(index: u32) -> Scales {
  let pair = halves(scales[index]);
  return Scales(pair.d, -pair.d * pair.m);
}

@if(!INDEXED)
fn scalesAt(group: u32, block: u32, blocks: u32) -> Scales {
  return groupScales(group * groups[0] + groups[1u + block]);
}

@if(!INDEXED)
fn quartetAt(index: u32, s: Scales) -> mat4x4<f32> {
  return affine(codesAt(index), s.d, s.m);
}

@if(!INDEXED)
fn octetAt(index: u32, s: Scales) -> Octet {
  return Octet(quartetAt(2u * index, s), quartetAt(2u * index + 1u, s));
}

@if(INDEXED)
struct Columns {
  // the first of the row group's scales
  scale: u32,
  // the block's first column among the groups
  column: u32,
}

@if(INDEXED)
fn scalesAt(group: u32, block: u32, blocks: u32) -> Columns {
  return Columns(group * groups[0], 1u + 32u * block);
}

@if(INDEXED)
fn quartetAt(index: u32, s: Columns) -> mat4x4<f32> {
  let codes = codesAt(index);
  let column = s.column + 4u * (index & 7u);
  return mat4x4<f32>(
    value(codes, groupScales(s.scale + groups[column])),
    value(codes >> vec4(8u), groupScales(s.scale + groups[column + 1u])),
    value(codes >> vec4(16u), groupScales(s.scale + groups[column + 2u])),
    value(codes >> vec4(24u), groupScales(s.scale + groups[column + 3u])),
  );
}

@if(INDEXED)
fn value(codes: vec4<u32>, s: Scales) -> vec4<f32> {
  return fma(vec4<f32>(codes & vec4(255u)), s.d, s.m);
}

@if(INDEXED)
fn octetAt(index: u32, s: Columns) -> Octet {
  return Octet(quartetAt(2u * index, s), quartetAt(2u * index + 1u, s));
}
