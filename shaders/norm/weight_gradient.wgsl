// Sums over a chunk of rows towards the gradient of a norm's weight: with x̂ = (x − mean)·rstd
//   partials[chunk][c] = Σ dy·x̂   over the rows of the chunk
// sumRows adds the chunks. Two steps, because one invocation a column alone would walk all rows of a long batch.
//   1 x f32 [rows, columns]   2 statistics f32 [rows, 2]: mean, rstd   3 dy f32 [rows, columns]   4 partials f32 [chunks, columns]
// One invocation a column; grid: columns / 64 × chunks.

struct Params {
  rows: u32,
  columns: u32,
  chunk_rows: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> statistics: array<vec2f>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> partials: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let column = id.x;
  let chunk = id.y;
  if (column >= params.columns) {
    return;
  }
  let first = chunk * params.chunk_rows;
  let last = min(first + params.chunk_rows, params.rows);
  var sum = 0.0;
  for (var row = first; row < last; row++) {
    let i = row * params.columns + column;
    sum += dy[i] * (x[i] - statistics[row].x) * statistics[row].y;
  }
  partials[chunk * params.columns + column] = sum;
}
