// A stretch of whole rows of a matrix, and its numbers as kernels take them: four neighbouring columns at a time.
import package::quantise::floats::{four, one};

struct Params {
  rows: u32,
  columns: u32,
  // of the shard, where the stretch begins; a multiple of 4
  row: u32,
  // numbers that share an absmax: 64, or those of a row
  span: u32,
  // NF4, FP4: the codes by the size of their values, 4 bits each, in two words; the bits of the least absmax, whose reciprocal is finite
  codes: vec2<u32>,
  least: u32,
  // the middles between neighbouring values, and one to fill up
  bounds: array<vec4<f32>, 4>,
}

@group(0) @binding(0) var<uniform> params: Params;

// The bits of four numbers of a row, zeros behind its end.
fn numbersAt(row: u32, column: u32) -> vec4<u32> {
  let at = row * params.columns + column;
  if ((params.columns & 3u) == 0u) {
    return four(at >> 2u);
  }
  let last = params.columns - 1u - column;
  let next = at + min(vec4(0u, 1u, 2u, 3u), vec4(last));
  return beforeEnd(vec4(one(next.x), one(next.y), one(next.z), one(next.w)), column);
}

// Zeros in place of what lies behind the end of a row.
fn beforeEnd(quartet: vec4<u32>, column: u32) -> vec4<u32> {
  return select(quartet, vec4(0u), column + vec4(0u, 1u, 2u, 3u) >= vec4(params.columns));
}

// Word 0 of 32 columns of a row in a plane of codes that has `blockWords` for each 32; the next are 4 words apart (src/quant/codes.ts).
fn placeOf(row: u32, block: u32, blockWords: u32) -> u32 {
  let to = params.row + row;
  let blocks = (params.columns + 31u) / 32u;
  return ((to >> 2u) * blocks + block) * blockWords * 4u + (to & 3u);
}

// Four codes as the bytes of a word.
fn packed(codes: vec4<u32>) -> u32 {
  let bytes = (codes & vec4(255u)) << vec4(0u, 8u, 16u, 24u);
  return bytes.x | bytes.y | bytes.z | bytes.w;
}
