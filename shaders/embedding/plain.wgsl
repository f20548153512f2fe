// output[i, h] = table[ids[i], h], for the ids that lie in this shard of the table; table in plain floats.
//
// Bindings: 0 params; 1 ids u32 [count]; 2 table (weight decoder) [row_count, width]; 4 output f32 [count, width].
// Dispatch: flat, a lane for four elements (VEC4, width a multiple of 4) or for one.
@if(VEC4) import package::weight::four;
@if(!VEC4) import package::weight::one;

struct Params {
  count: u32,
  width: u32,
  // the shard: its first row of the table, and how many rows it holds
  row_start: u32,
  row_count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@if(VEC4) @group(0) @binding(4) var<storage, read_write> output: array<vec4<f32>>;
@else @group(0) @binding(4) var<storage, read_write> output: array<f32>;

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
  let token = index / lanes;
  if (token >= params.count) {
    return;
  }
  let row = ids[token] - params.row_start;
  if (row >= params.row_count) {
    return;
  }
  let place = row * lanes + index % lanes;
  @if(VEC4) output[index] = four(place);
  @else output[index] = one(place);
}
