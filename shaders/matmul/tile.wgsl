// What every matmul kernel shares: its parameters, which outputs a lane owns, the inner product step, and the way out.
//
// Binding 0: Params. Binding 4: bias f32 [columns of the output] (read only if has_bias). Binding 5: output f32 [batch, rows, columns].
// A workgroup is 64 lanes; 2^lanes_log2 of them lie along the columns and the rest along the rows, so that one pipeline
// serves wide, tall and square outputs with no lane idle.
//
// The kernels store their tiles in a loop from the lane's first row to its last: with a bound that is never above a constant Mesa
// unrolls it, which made compiling three to six times as long (0.3 to 0.8 s now) and running a tenth slower.

struct Params {
  // the outputs of this dispatch, [row_start, row_end) × [column_start, column_end)
  row_start: u32,
  row_end: u32,
  column_start: u32,
  column_end: u32,
  // length of the reduction
  depth: u32,
  lanes_log2: u32,
  // elements from one row of a, column of b or row of the output to the next; from one step of the reduction and one batch to the next
  a_row: u32,
  a_step: u32,
  a_batch: u32,
  b_column: u32,
  b_step: u32,
  b_batch: u32,
  output_row: u32,
  output_batch: u32,
  // elements before the first one used
  a_offset: u32,
  output_offset: u32,
  bias_offset: u32,
  // the batch of workgroup z = 0
  batch_start: u32,
  alpha: f32,
  // flags: add onto what the output holds; add the bias
  accumulate: u32,
  has_bias: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@if(VEC4_OUTPUT) @group(0) @binding(4) var<storage, read> bias: array<vec4<f32>>;
@else @group(0) @binding(4) var<storage, read> bias: array<f32>;
@if(VEC4_OUTPUT) @group(0) @binding(5) var<storage, read_write> output: array<vec4<f32>>;
@else @group(0) @binding(5) var<storage, read_write> output: array<f32>;

// The first row (x) and the first column (y) of the lane's tile.
fn placeOf(workgroup: vec3<u32>, lane: u32, tile_rows: u32, tile_columns: u32) -> vec2<u32> {
  let lanes = 1u << params.lanes_log2;
  let row = workgroup.y * (64u >> params.lanes_log2) + (lane >> params.lanes_log2);
  let column = workgroup.x * lanes + (lane & (lanes - 1u));
  return vec2(params.row_start + row * tile_rows, params.column_start + column * tile_columns);
}

// Four steps of the reduction for one row and four columns: Σ_j x[j]·w[j], w[j] the four columns at step j.
fn advance(sum: vec4<f32>, x: vec4<f32>, w: mat4x4<f32>) -> vec4<f32> {
  return fma(x.wwww, w[3], fma(x.zzzz, w[2], fma(x.yyyy, w[1], fma(x.xxxx, w[0], sum))));
}

// output[row, column..column+3] = alpha·product (+ what is there) (+ bias), where these lie inside the dispatch's range.
@if(VEC4_OUTPUT)
fn store(batch: u32, row: u32, column: u32, product: vec4<f32>) {
  if (row >= params.row_end || column >= params.column_end) {
    return;
  }
  let place = (params.output_offset + batch * params.output_batch + row * params.output_row + column) >> 2u;
  var value = params.alpha * product;
  if (params.accumulate != 0u) {
    value += output[place];
  }
  if (params.has_bias != 0u) {
    value += bias[(params.bias_offset + column) >> 2u];
  }
  output[place] = value;
}

@else
fn store(batch: u32, row: u32, column: u32, product: vec4<f32>) {
  storeOne(batch, row, column, product.x);
  storeOne(batch, row, column + 1u, product.y);
  storeOne(batch, row, column + 2u, product.z);
  storeOne(batch, row, column + 3u, product.w);
}

@if(!VEC4_OUTPUT)
fn storeOne(batch: u32, row: u32, column: u32, product: f32) {
  if (row >= params.row_end || column >= params.column_end) {
    return;
  }
  let place = params.output_offset + batch * params.output_batch + row * params.output_row + column;
  var value = params.alpha * product;
  if (params.accumulate != 0u) {
    value += output[place];
  }
  if (params.has_bias != 0u) {
    value += bias[params.bias_offset + column];
  }
  output[place] = value;
}
