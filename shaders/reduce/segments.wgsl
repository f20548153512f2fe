// One pass of a reduction over the middle of [outer, length, inner]: y[o, c, n] = factor · ⊕ x[o, r, n] over r = c, c + C, c + 2C, … < length,
// ⊕ the sum, the sum of squares or the maximum. Passes follow each other until C = 1.
// 1 x: f32, rows [row_start, row_end) of the slabs of this dispatch   2 y: f32 [slabs, C, inner]
// Dispatch: flat grid of 256-wide workgroups, a thread for each (slab, c, n). When a slab is larger than a binding its rows come in
// several dispatches that go on from y: the order of the additions, hence every bit, stays the same.
// Interleaved segments make neighbours read neighbours whatever `inner` is, so no barrier and no shared memory is needed:
// a tree in workgroup memory is 2 to 3 times slower on software drivers and needs another kernel for each layout.
struct Params {
  threads: u32,
  segments: u32,
  inner: u32,
  length: u32,
  row_start: u32,
  row_end: u32,
  x_base: u32,
  y_base: u32,
  operation: u32,
  goes_on: u32,
  identity: f32,
  factor: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * 256u + lane;
  if i >= params.threads {
    return;
  }
  let column = i % params.inner;
  let segment = (i / params.inner) % params.segments;
  let slab = i / (params.inner * params.segments);
  // the first row of this dispatch that belongs to the segment
  let skipped = select(0u, (params.row_start - segment + params.segments - 1u) / params.segments, params.row_start > segment);
  let rows = params.row_end - params.row_start;
  var total = params.identity;
  if params.goes_on == 1u {
    total = y[params.y_base + i];
  }
  let start = params.x_base + slab * rows * params.inner + column;
  for (var row = segment + skipped * params.segments; row < params.row_end; row += params.segments) {
    let value = x[start + (row - params.row_start) * params.inner];
    switch params.operation {
      case 0u: { total += value; }
      case 1u: { total += value * value; }
      default: { total = max(total, value); }
    }
  }
  if params.row_end == params.length {
    total *= params.factor;
  }
  y[params.y_base + i] = total;
}
