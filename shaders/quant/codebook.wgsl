// 4-bit codes of a table, value = table[q]·absmax, absmax of each 64 weights of the matrix row after row: nf4 and fp4 (src/quant/codebook.ts).
//
// Binding 2: codes. Binding 3: absmax in the order of the weights, f32 or, NESTED, a byte. Binding 6: the table, 16 f32; NESTED: then a
// map of 256 f32, an offset f32, a count u32, and one f32 for each 256 bytes: absmax i = map[byte i]·f32[(count + i) / 256] + offset.
import package::quant::octet::Octet;
import package::quant::codes::codesAt;

@if(NESTED) @group(0) @binding(3) var<storage, read> absmax: array<u32>;
@else @group(0) @binding(3) var<storage, read> absmax: array<f32>;
@group(0) @binding(6) var<storage, read> table: array<f32>;

@if(NESTED) const map = 16u;
@if(NESTED) const offset = 272u;
@if(NESTED) const first = 273u;
@if(NESTED) const nested = 274u;

fn scalesAt(group: u32, block: u32, blocks: u32) -> vec4<f32> {
  let row = 4u * group;
  return vec4(
    absmaxAt((row * blocks + block) >> 1u),
    absmaxAt(((row + 1u) * blocks + block) >> 1u),
    absmaxAt(((row + 2u) * blocks + block) >> 1u),
    absmaxAt(((row + 3u) * blocks + block) >> 1u),
  );
}

@if(NESTED)
fn absmaxAt(index: u32) -> f32 {
  let byte = (absmax[index >> 2u] >> (8u * (index & 3u))) & 255u;
  return table[map + byte] * table[nested + ((bitcast<u32>(table[first]) + index) >> 8u)] + table[offset];
}

@else
fn absmaxAt(index: u32) -> f32 {
  return absmax[index];
}

fn quartetAt(index: u32, s: vec4<f32>) -> mat4x4<f32> {
  let codes = codesAt(index);
  return mat4x4<f32>(
    s * values(codes & vec4(15u)),
    s * values((codes >> vec4(8u)) & vec4(15u)),
    s * values((codes >> vec4(16u)) & vec4(15u)),
    s * values(codes >> vec4(24u)),
  );
}

fn values(codes: vec4<u32>) -> vec4<f32> {
  return vec4(table[codes.x], table[codes.y], table[codes.z], table[codes.w]);
}

fn octetAt(index: u32, s: vec4<f32>) -> Octet {
  return Octet(quartetAt(2u * index, s), quartetAt(2u * index + 1u, s));
}
