// 8-bit weights in blocks of 32 columns, value = d·q, q signed (src/quant/q8_0.ts).
//
// Binding 2: words u32, four signed bytes each = four columns of one row, the lowest byte first. Binding 3: one u32 a block = f16 d.
// In both, four neighbouring rows lie side by side: [rows / 4, columns / 4, 4] and [rows / 4, columns / 32, 4].
//
// A byte is converted where it lies, as (q + 128)·2^shift, and undone exactly by d·2^-shift and m = -128·d: SwiftShader has no shift
// of vectors and does it lane by lane (shifts took 2.5 times as long there, and as long on lavapipe).
import package::quant::octet::{Octet, Scales, halves};

@group(0) @binding(2) var<storage, read> words: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> scales: array<vec4<u32>>;

fn scalesAt(group: u32, block: u32, blocks: u32) -> Scales {
  let d = halves(scales[group * blocks + block]).d;
  return Scales(d, -128.0 * d);
}

fn octetAt(index: u32, s: Scales) -> Octet {
  return Octet(quartetAt(2u * index, s), quartetAt(2u * index + 1u, s));
}

fn quartetAt(index: u32, s: Scales) -> mat4x4<f32> {
  let word = words[index];
  let q = bitcast<vec4<i32>>(word ^ vec4(0x808080u));
  return mat4x4<f32>(
    fma(vec4<f32>(q & vec4(0xFFi)), s.d, s.m),
    fma(vec4<f32>(q & vec4(0xFF00i)), s.d * 0x1p-8f, s.m),
    fma(vec4<f32>(q & vec4(0xFF0000i)), s.d * 0x1p-16f, s.m),
    vec4<f32>(bitcast<vec4<i32>>(word & vec4(0xFF000000u))) * (s.d * 0x1p-24f),
  );
}
