// y[rows[r], :] = x[r, :] for distinct rows; 0xffffffff is skipped. What is not named stays as it is: y is cleared beforehand.
// 1 x: words, rows from x_start on of [R, columns]   2 rows: u32 [R]   3 y: words, rows [y_start, y_start + y_count) of [M, columns]
// Dispatch: element grid (src/graph/ops/pieces.ts) over x, four elements a thread. Each element of y has one writer, so bits repeat.
struct Params {
  count: u32,
  columns: u32,
  x_start: u32,
  y_start: u32,
  y_count: u32,
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
  let row = rows[params.x_start + r] - params.y_start;
  if row < params.y_count {
    y[row * params.columns + (i - r * params.columns)] = x[i];
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
