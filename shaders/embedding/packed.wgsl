// output[i, h] = table[ids[i], h], for the ids that lie in this shard of the table; table in a block format, four rows side by side.
//
// Bindings: 0 params; 1 ids u32 [count]; 2, 3 and 6 table (weight decoder) [row_count, width]; 4 output f32 [count, width].
// Dispatch: flat, a lane for eight columns.
import package::weight::{scalesAt, octetAt};

struct Params {
  count: u32,
  width: u32,
  // the shard: its first row of the table, and how many rows it holds
  row_start: u32,
  row_count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(4) var<storage, read_write> output: array<vec4<f32>>;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (workgroup.y * workgroups.x + workgroup.x) * 256u + lane;
  let octets = params.width >> 3u;
  let token = index / octets;
  if (token >= params.count) {
    return;
  }
  let row = ids[token] - params.row_start;
  if (row >= params.row_count) {
    return;
  }
  let octet = index % octets;
  let group = row >> 2u;
  let blocks = (params.width + 31u) >> 5u;
  let four_rows = octetAt(((group * blocks) << 2u) + octet, scalesAt(group, octet >> 2u, blocks));
  output[2u * index] = rowOf(four_rows.low, row & 3u);
  output[2u * index + 1u] = rowOf(four_rows.high, row & 3u);
}

fn rowOf(columns: mat4x4<f32>, row: u32) -> vec4<f32> {
  let pick = vec4<f32>(vec4(0u, 1u, 2u, 3u) == vec4(row));
  return pick * columns;
}
