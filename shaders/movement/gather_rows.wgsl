// y[r, :] = x[rows[r], :], and zeros where rows[r] is 0xffffffff.
// 1 x: words, rows [x_start, x_start + x_count) of [M, columns]   2 rows: u32 [R]   3 y: words, rows from y_start on of [R, columns]
// Dispatch: element grid (src/graph/ops/pieces.ts) over y, four elements a thread. A row of x outside this dispatch's range is left to the
// dispatch that has it; the first one writes zeros there, so that a row which no dispatch has is zero.
struct Params {
  count: u32,
  columns: u32,
  y_start: u32,
  x_start: u32,
  x_count: u32,
  is_first: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read> rows: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;

fn update(i: u32) {
  if i >= params.count {
    return;
  }
  let r = i / params.columns;
  let row = rows[params.y_start + r] - params.x_start;
  if row < params.x_count {
    y[i] = x[row * params.columns + (i - r * params.columns)];
  } else if params.is_first == 1u {
    y[i] = 0u;
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
