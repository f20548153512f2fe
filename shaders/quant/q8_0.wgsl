// 8-bit weights in blocks of 32 columns, value = d·q, q signed.
//
// Binding 2: words u32, four signed bytes each = four columns of one row, the lowest byte first. Binding 3: one u32 a block = f16 d.
// In both, four neighbouring rows lie side by side: [rows / 4, columns / 4, 4] and [rows / 4, columns / 32, 4].
import package::quant::octet::{Octet, Scales};

@group(0) @binding(2) var<storage, read> words: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> scales: array<vec4<u32>>;

// `index` counts blocks: row group · (columns / 32) + block.
fn scalesAt(index: u32) -> Scales {
  let packed = scales[index];
  let d = vec4(unpack2x16float(packed.x).x, unpack2x16float(packed.y).x, unpack2x16float(packed.z).x, unpack2x16float(packed.w).x);
  return Scales(d, vec4<f32>());
}

// `index` counts octets of columns: row group · (columns / 8) + octet.
fn octetAt(index: u32, s: Scales) -> Octet {
  return Octet(quartet(words[2u * index], s.d), quartet(words[2u * index + 1u], s.d));
}

fn quartet(q: vec4<u32>, d: vec4<f32>) -> mat4x4<f32> {
  return mat4x4<f32>(decode(q << vec4(24u), d), decode(q << vec4(16u), d), decode(q << vec4(8u), d), decode(q, d));
}

// The upper byte, sign and all.
fn decode(q: vec4<u32>, d: vec4<f32>) -> vec4<f32> {
  return vec4<f32>(bitcast<vec4<i32>>(q) >> vec4(24u)) * d;
}
