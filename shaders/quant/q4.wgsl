// 4-bit weights in blocks of 32 columns, value = d·q + m, as q4_0 and q4_1 both lie on the GPU (src/quant/nibbles.ts).
//
// Binding 2: words u32, eight nibbles each = eight columns of one row; byte j holds column j in its lower nibble and column 4 + j in
// its upper one. Binding 3: one u32 a block = f16 d | f16 m. In both, four neighbouring rows lie side by side, so that one vec4
// load gives the same columns of four rows: [rows / 4, columns / 8, 4] and [rows / 4, columns / 32, 4].
//
// A nibble is converted where it lies, as q·2^shift, and d·2^-shift undoes that exactly: SwiftShader has no shift of vectors and does
// it lane by lane (shifts took 1.6 times as long there, and as long on lavapipe).
import package::quant::octet::{Octet, Scales, halves};

@group(0) @binding(2) var<storage, read> words: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> scales: array<vec4<u32>>;

fn scalesAt(group: u32, block: u32, blocks: u32) -> Scales {
  return halves(scales[group * blocks + block]);
}

fn octetAt(index: u32, s: Scales) -> Octet {
  let word = words[index];
  let q = bitcast<vec4<i32>>(word);
  let top = fma(vec4<f32>(word & vec4(0xF0000000u)), s.d * 0x1p-28f, s.m);
  return Octet(
    mat4x4<f32>(
      nibble(q, 0xFi, s.d, s.m),
      nibble(q, 0xF00i, s.d * 0x1p-8f, s.m),
      nibble(q, 0xF0000i, s.d * 0x1p-16f, s.m),
      nibble(q, 0xF000000i, s.d * 0x1p-24f, s.m),
    ),
    mat4x4<f32>(
      nibble(q, 0xF0i, s.d * 0x1p-4f, s.m),
      nibble(q, 0xF000i, s.d * 0x1p-12f, s.m),
      nibble(q, 0xF00000i, s.d * 0x1p-20f, s.m),
      top,
    ),
  );
}

fn nibble(q: vec4<i32>, mask: i32, d: vec4<f32>, m: vec4<f32>) -> vec4<f32> {
  return fma(vec4<f32>(q & vec4(mask)), d, m);
}

fn quartetAt(index: u32, s: Scales) -> mat4x4<f32> {
  // multiplied rather than shifted, so that the nibbles lie where those of an odd quartet do
  let word = words[index >> 1u] * vec4(select(16u, 1u, (index & 1u) == 1u));
  let q = bitcast<vec4<i32>>(word);
  return mat4x4<f32>(
    nibble(q, 0xF0i, s.d * 0x1p-4f, s.m),
    nibble(q, 0xF000i, s.d * 0x1p-12f, s.m),
    nibble(q, 0xF00000i, s.d * 0x1p-20f, s.m),
    fma(vec4<f32>(word & vec4(0xF0000000u)), s.d * 0x1p-28f, s.m),
  );
}
