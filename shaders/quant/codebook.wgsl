// 4-bit codes of a table of 16 numbers, value = table[q]·absmax, absmax of each 64 weights of the matrix row after row: NF4 and, without
// that condition, FP4 (src/quant/codebook.ts).
//
// Binding 2: codes. Binding 3: absmax in the order of the weights, f32 or, NESTED, a byte. Binding 6, NESTED: a map of 256 f32, an offset
// f32, a count u32, and one f32 for each 256 bytes: absmax i = map[byte i]·f32[(count + i) / 256] + offset. UNALIGNED: the columns of a
// row, u32, before all that; 32 columns of a row may then lie in several blocks of absmax.
//
// The table is a tree of selections. Lost: the table in a buffer, four loads for a column of four rows (NF4 against f32 then 0.82 forward
// and 0.77 backward on lavapipe, the tree 1.3 and 0.9).
import package::quant::octet::Octet;
import package::quant::codes::codesAt;

@if(NESTED) @group(0) @binding(3) var<storage, read> absmax: array<u32>;
@else @group(0) @binding(3) var<storage, read> absmax: array<f32>;
@if(NESTED || UNALIGNED) @group(0) @binding(6) var<storage, read> nested: array<f32>;

@if(UNALIGNED) const map = 1u;
@else const map = 0u;
@if(NESTED) const offset = map + 256u;
@if(NESTED) const first = map + 257u;
@if(NESTED) const scales = map + 258u;

@if(NESTED)
fn absmaxAt(index: u32) -> f32 {
  let byte = (absmax[index >> 2u] >> (8u * (index & 3u))) & 255u;
  return nested[map + byte] * nested[scales + ((bitcast<u32>(nested[first]) + index) >> 8u)] + nested[offset];
}

@else
fn absmaxAt(index: u32) -> f32 {
  return absmax[index];
}

@if(!UNALIGNED)
fn scalesAt(group: u32, block: u32, blocks: u32) -> vec4<f32> {
  let row = 4u * group;
  return vec4(
    absmaxAt((row * blocks + block) >> 1u),
    absmaxAt(((row + 1u) * blocks + block) >> 1u),
    absmaxAt(((row + 2u) * blocks + block) >> 1u),
    absmaxAt(((row + 3u) * blocks + block) >> 1u),
  );
}

@if(!UNALIGNED)
fn quartetAt(index: u32, s: vec4<f32>) -> mat4x4<f32> {
  let codes = codesAt(index);
  return mat4x4<f32>(
    s * values(codes, 1u),
    s * values(codes, 0x100u),
    s * values(codes, 0x10000u),
    s * values(codes, 0x1000000u),
  );
}

@if(!UNALIGNED)
fn octetAt(index: u32, s: vec4<f32>) -> Octet {
  return Octet(quartetAt(2u * index, s), quartetAt(2u * index + 1u, s));
}

@if(UNALIGNED)
struct Place {
  columns: u32,
  // index of the first weight of the block in the first of the four rows
  weight: u32,
}

@if(UNALIGNED)
fn scalesAt(group: u32, block: u32, blocks: u32) -> Place {
  let columns = bitcast<u32>(nested[0]);
  return Place(columns, 4u * group * columns + 32u * block);
}

@if(UNALIGNED)
fn quartetAt(index: u32, s: Place) -> mat4x4<f32> {
  let codes = codesAt(index);
  let weight = s.weight + 4u * (index & 7u);
  return mat4x4<f32>(
    columnAbsmax(weight, s.columns) * values(codes, 1u),
    columnAbsmax(weight + 1u, s.columns) * values(codes, 0x100u),
    columnAbsmax(weight + 2u, s.columns) * values(codes, 0x10000u),
    columnAbsmax(weight + 3u, s.columns) * values(codes, 0x1000000u),
  );
}

// absmax of one column of four rows.
@if(UNALIGNED)
fn columnAbsmax(weight: u32, columns: u32) -> vec4<f32> {
  return vec4(
    absmaxAt(weight >> 6u),
    absmaxAt((weight + columns) >> 6u),
    absmaxAt((weight + 2u * columns) >> 6u),
    absmaxAt((weight + 3u * columns) >> 6u),
  );
}

@if(UNALIGNED)
fn octetAt(index: u32, s: Place) -> Octet {
  return Octet(quartetAt(2u * index, s), quartetAt(2u * index + 1u, s));
}

// The numbers of the codes whose lowest bit is `unit`.
@if(NF4)
fn values(codes: vec4<u32>, unit: u32) -> vec4<f32> {
  let a = hasBit(codes, unit);
  let b = hasBit(codes, 2u * unit);
  let c = hasBit(codes, 4u * unit);
  let negative = select(
    select(
      select(vec4(-1.0f), vec4(-0.6961928009986877f), a),
      select(vec4(-0.5250730514526367f), vec4(-0.39491748809814453f), a),
      b,
    ),
    select(
      select(vec4(-0.28444138169288635f), vec4(-0.18477343022823334f), a),
      select(vec4(-0.09105003625154495f), vec4(0.0f), a),
      b,
    ),
    c,
  );
  let positive = select(
    select(
      select(vec4(0.07958029955625534f), vec4(0.16093020141124725f), a),
      select(vec4(0.24611230194568634f), vec4(0.33791524171829224f), a),
      b,
    ),
    select(
      select(vec4(0.44070982933044434f), vec4(0.5626170039176941f), a),
      select(vec4(0.7229568362236023f), vec4(1.0f), a),
      b,
    ),
    c,
  );
  return select(negative, positive, hasBit(codes, 8u * unit));
}

@else
fn values(codes: vec4<u32>, unit: u32) -> vec4<f32> {
  let a = hasBit(codes, unit);
  let b = hasBit(codes, 2u * unit);
  let magnitude = select(
    select(select(vec4(0f), vec4(0.0625f / 12f), a), select(vec4(8f / 12f), vec4(1f), a), b),
    select(select(vec4(4f / 12f), vec4(6f / 12f), a), select(vec4(2f / 12f), vec4(3f / 12f), a), b),
    hasBit(codes, 4u * unit),
  );
  return select(magnitude, -magnitude, hasBit(codes, 8u * unit));
}

fn hasBit(codes: vec4<u32>, bit: u32) -> vec4<bool> {
  return (codes & vec4(bit)) != vec4<u32>();
}
