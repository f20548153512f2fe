// cache[b, query_offset + t, :] = x[b, t, :]; positions beyond the cache are dropped.
// 1 x: words, rows [x_start, …) of [B·T, columns]   2 cache: words, rows [cache_start, cache_start + cache_count) of [B·S, columns]
// Dispatch: element grid (src/graph/ops/pieces.ts) over x, four elements a thread.
import package::step::step;

struct Params {
  count: u32,
  columns: u32,
  x_start: u32,
  tokens: u32,
  capacity: u32,
  cache_start: u32,
  cache_count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> cache: array<u32>;

fn update(i: u32) {
  if i >= params.count {
    return;
  }
  let r = i / params.columns;
  let row = params.x_start + r;
  let batch = row / params.tokens;
  let position = step.query_offset + row - batch * params.tokens;
  let target_row = batch * params.capacity + position - params.cache_start;
  if position < params.capacity && target_row < params.cache_count {
    cache[target_row * params.columns + (i - r * params.columns)] = x[i];
  }
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups.x + group.x) * 1024u + lane;
  update(first);
  update(first + 256u);
  update(first + 512u);
  update(first + 768u);
}
