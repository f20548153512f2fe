// INT8 by rows of a stretch: number · (127 / absmax of the row), rounded to the nearest whole number, ties to even
// (src/quant/quantiseInt8.ts, which gives the same bits).
//
// Bindings: 0 params; 1 the numbers as a file holds them (floats.wgsl); 2 codes of the shard, u32, as src/quant/codes.ts lays out 8 bits,
// zero before; 3 absmax of the stretch's rows, the bits of an f32 (maxima.wgsl).
// Source: bitsandbytes, backends/default/ops.py, int8_vectorwise_quant.
// Dispatch: 1-D, a lane 32 columns of a row.
import package::quantise::halves::rounded;
import package::quantise::rows::{params, numbersAt, packed, placeOf};
import package::quantise::scaled::{reciprocal, scaled, Factor};

@group(0) @binding(2) var<storage, read_write> words: array<u32>;
@group(0) @binding(3) var<storage, read> absmax: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let blocks = (params.columns + 31u) / 32u;
  let row = id.x / blocks;
  if (row >= params.rows) {
    return;
  }
  let first = 32u * (id.x % blocks);
  let end = min(first + 32u, params.columns);
  let place = placeOf(row, first / 32u, 8u);
  let scale = scaleOf(absmax[row]);
  for (var column = first; column < end; column += 4u) {
    let codes = vec4<i32>(round(scaled(rounded(numbersAt(row, column)), scale)));
    words[place + column - first] = packed(bitcast<vec4<u32>>(codes));
  }
}

// 127 · (1 / absmax), both rounded, as torch divides a number by a tensor. absmax is a half, and a row of zeros stays one at any scale.
fn scaleOf(bits: u32) -> Factor {
  let inverse = reciprocal(max(bits, 0x33800000u)); // 2⁻²⁴, the least half
  let product = 127u * inverse.mantissa; // 30 or 31 digits, of which 24 stay
  let surplus = 8u - countLeadingZeros(product);
  let half = (1u << (surplus - 1u)) - 1u;
  return Factor((product + half + ((product >> surplus) & 1u)) >> surplus, inverse.exponent + i32(surplus));
}
