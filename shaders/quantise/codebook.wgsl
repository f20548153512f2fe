// NF4 and FP4 of a stretch: of each number the code whose value lies nearest to number / absmax (src/quant/quantiseCodebook.ts, which
// gives the same bits).
//
// Bindings: 0 params; 1 the numbers as a file holds them (floats.wgsl); 2 codes of the shard, u32, as src/quant/codes.ts lays out 4 bits;
// 3 absmax of the stretch, the bits of an f32 for each 64 numbers, row after row (maxima.wgsl).
// Source: bitsandbytes, backends/default/ops.py, quantize_4bit; nearest by the middles between neighbours rather than by all distances.
// Dispatch: 1-D, a lane 32 columns of a row. They share an absmax unless, UNALIGNED, columns are no multiple of 32.
import package::quantise::rows::{params, beforeEnd, numbersAt, packed, placeOf};
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
  let place = placeOf(row, first / 32u, 4u);
  let scale = scaleAt(row * params.columns + first);
  for (var column = first; column < end; column += 8u) {
    var word = codesAt(row, column, scale);
    if (column + 4u < end) {
      word |= codesAt(row, column + 4u, scale) << 4u;
    }
    words[place + (column - first) / 2u] = word;
  }
}

fn scaleAt(index: u32) -> Factor {
  return reciprocal(max(absmax[index >> 6u], params.least));
}

@if(!UNALIGNED)
fn codesAt(row: u32, column: u32, scale: Factor) -> u32 {
  return packed(codesOf(scaled(numbersAt(row, column), scale)));
}

// Four neighbours may lie in two blocks.
@if(UNALIGNED)
fn codesAt(row: u32, column: u32, _scale: Factor) -> u32 {
  let first = row * params.columns + column;
  let last = first + min(3u, params.columns - 1u - column);
  let numbers = numbersAt(row, column);
  let isNext = ((first + vec4(0u, 1u, 2u, 3u)) >> vec4(6u)) != vec4(first >> 6u);
  let x = select(scaled(numbers, scaleAt(first)), scaled(numbers, scaleAt(last)), isNext);
  return packed(beforeEnd(codesOf(x), column));
}

fn codesOf(x: vec4<f32>) -> vec4<u32> {
  let rank = ranksOf(x);
  let codes = select(vec4(params.codes.x), vec4(params.codes.y), rank >= vec4(8u));
  return (codes >> (4u * (rank & vec4(7u)))) & vec4(15u);
}

// How many bounds lie below.
fn ranksOf(x: vec4<f32>) -> vec4<u32> {
  let b0 = params.bounds[0];
  let b1 = params.bounds[1];
  let b2 = params.bounds[2];
  let b3 = params.bounds[3];
  let h = x > vec4(b1.w);
  let q = x > select(vec4(b0.w), vec4(b2.w), h);
  let p = x > select(select(vec4(b0.y), vec4(b1.y), q), select(vec4(b2.y), vec4(b3.y), q), h);
  let low = select(select(vec4(b0.x), vec4(b0.z), p), select(vec4(b1.x), vec4(b1.z), p), q);
  let high = select(select(vec4(b2.x), vec4(b2.z), p), select(vec4(b3.x), vec4(b3.z), p), q);
  let o = x > select(low, high, h);
  return select(vec4(0u), vec4(8u), h) | select(vec4(0u), vec4(4u), q) | select(vec4(0u), vec4(2u), p) | select(vec4(0u), vec4(1u), o);
}
