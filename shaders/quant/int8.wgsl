// 8-bit weights with one scale a row, value = q·(absmax/127), q signed (src/quant/int8.ts). bitsandbytes multiplies from the left, which
// may round the last bit otherwise; but compilers regroup products anyhow.
//
// Binding 2: codes. Binding 3: absmax f32, one a row: [rows / 4, 4].
import package::quant::octet::Octet;
import package::quant::codes::codesAt;

@group(0) @binding(3) var<storage, read> scales: array<vec4<f32>>;

fn scalesAt(group: u32, block: u32, blocks: u32) -> vec4<f32> {
  return scales[group] * 7.874015718698502e-3f;
}

fn quartetAt(index: u32, scale: vec4<f32>) -> mat4x4<f32> {
  let codes = codesAt(index);
  return mat4x4<f32>(
    signed(codes << vec4(24u)) * scale,
    signed(codes << vec4(16u)) * scale,
    signed(codes << vec4(8u)) * scale,
    signed(codes) * scale,
  );
}

// The number whose byte is the upper one of the word.
fn signed(words: vec4<u32>) -> vec4<f32> {
  return vec4<f32>(bitcast<vec4<i32>>(words) >> vec4(24u));
}

fn octetAt(index: u32, scale: vec4<f32>) -> Octet {
  return Octet(quartetAt(2u * index, scale), quartetAt(2u * index + 1u, scale));
}
