// 4-bit weights in blocks of 32 columns, value = d·q + m, as q4_0 and q4_1 both lie on the GPU.
//
// Binding 2: words u32, eight nibbles each = eight columns of one row; byte j holds column j in its lower nibble and column 4 + j in
// its upper one. Binding 3: one u32 a block = f16 d | f16 m. In both, four neighbouring rows lie side by side, so that one vec4
// load gives the same columns of four rows: [rows / 4, columns / 8, 4] and [rows / 4, columns / 32, 4].
import package::quant::octet::{Octet, Scales};

@group(0) @binding(2) var<storage, read> words: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> scales: array<vec4<u32>>;

// `index` counts blocks: row group · (columns / 32) + block.
fn scalesAt(index: u32) -> Scales {
  let packed = scales[index];
  let a = unpack2x16float(packed.x);
  let b = unpack2x16float(packed.y);
  let c = unpack2x16float(packed.z);
  let d = unpack2x16float(packed.w);
  return Scales(vec4(a.x, b.x, c.x, d.x), vec4(a.y, b.y, c.y, d.y));
}

// `index` counts octets of columns: row group · (columns / 8) + octet.
fn octetAt(index: u32, s: Scales) -> Octet {
  let q = words[index];
  return Octet(
    mat4x4<f32>(decode(q, s), decode(q >> vec4(8u), s), decode(q >> vec4(16u), s), decode(q >> vec4(24u), s)),
    mat4x4<f32>(decode(q >> vec4(4u), s), decode(q >> vec4(12u), s), decode(q >> vec4(20u), s), decode(q >> vec4(28u), s)),
  );
}

fn decode(q: vec4<u32>, s: Scales) -> vec4<f32> {
  return fma(vec4<f32>(q & vec4(15u)), s.d, s.m);
}
