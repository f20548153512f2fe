// state[id, h] += Σ dy[row, h] over the rows of that id, one after another; for the ids of this part of the state and the rows of this
// part of dy.
//
// Bindings: 0 params; 1 dy f32 [dy_count, width]; 2 ids u32 [count]; 3 order u32 [count], rows by ascending id; 4 starts u32
// [count + 1], where the rows of the i-th distinct id begin in order (count where there are fewer); 5 state f32 [row_count, width].
// Dispatch: flat, a lane for four columns (VEC4, width a multiple of 4) or one of a distinct id: no two lanes meet, so no atomics.
struct Params {
  count: u32,
  width: u32,
  // the rows of the state and of dy that are bound
  row_start: u32,
  row_count: u32,
  dy_start: u32,
  dy_count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@if(VEC4) @group(0) @binding(1) var<storage, read> dy: array<vec4<f32>>;
@else @group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> ids: array<u32>;
@group(0) @binding(3) var<storage, read> order: array<u32>;
@group(0) @binding(4) var<storage, read> starts: array<u32>;
@if(VEC4) @group(0) @binding(5) var<storage, read_write> state: array<vec4<f32>>;
@else @group(0) @binding(5) var<storage, read_write> state: array<f32>;

@if(VEC4) const elements = 4u;
@else const elements = 1u;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (workgroup.y * workgroups.x + workgroup.x) * 256u + lane;
  let lanes = params.width / elements;
  let distinct = index / lanes;
  if (distinct >= params.count) {
    return;
  }
  let start = starts[distinct];
  let end = starts[distinct + 1u];
  if (start == end) {
    return;
  }
  let id = ids[order[start]] - params.row_start;
  if (id >= params.row_count) {
    return;
  }
  let column = index % lanes;
  let place = id * lanes + column;
  var sum = state[place];
  for (var i = start; i < end; i++) {
    let row = order[i] - params.dy_start;
    if (row < params.dy_count) {
      sum += dy[row * lanes + column];
    }
  }
  state[place] = sum;
}
