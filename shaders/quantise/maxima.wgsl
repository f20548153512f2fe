// absmax of a stretch: the largest |number| of each 64, or of each row.
//
// Bindings: 0 params; 1 the numbers as a file holds them (floats.wgsl); 3 absmax, the bits of an f32 a span, zero before.
// Source: absmax of bitsandbytes' quantize_4bit and int8_vectorwise_quant (backends/default/ops.py), the latter of numbers as halves.
// Dispatch: 1-D, a lane at most 256 numbers of a span. Lanes meet in an atomic maximum of whole numbers: in any order it is the same.
import package::quantise::floats::{four, one};
import package::quantise::halves::rounded;
import package::quantise::rows::params;

const most = 256u;

@group(0) @binding(3) var<storage, read_write> absmax: array<atomic<u32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let parts = (params.span + most - 1u) / most;
  let index = id.x / parts;
  let first = index * params.span + most * (id.x % parts);
  let end = min(min(first + most, (index + 1u) * params.span), params.rows * params.columns);
  if (first >= end) {
    return;
  }
  // numbers from there on are read one by one
  let rest = select(first, end & ~3u, (params.span & 3u) == 0u);
  var largest = vec4(0u);
  for (var i = first; i < rest; i += 4u) {
    largest = max(largest, four(i >> 2u) & vec4(0x7FFFFFFFu));
  }
  for (var i = rest; i < end; i++) {
    largest.x = max(largest.x, one(i) & 0x7FFFFFFFu);
  }
  let pair = max(largest.xy, largest.zw);
  let size = max(pair.x, pair.y);
  @if(INT8) atomicMax(&absmax[index], rounded(vec4(size)).x);
  @else atomicMax(&absmax[index], size);
}
