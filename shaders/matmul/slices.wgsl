// The reduction of one row shared out among lanes: 64 lanes = 2^lanes_log2 along the columns × slices along the reduction.
import package::matmul::tile::params;

var<workgroup> partial: array<vec4<f32>, 128>;

// How many lanes share a reduction.
fn sliceCount() -> u32 {
  return 64u >> params.lanes_log2;
}

// Leaves in `sums` of the lanes of slice 0 what all slices have summed up, in the order of the slices.
fn gather(lane: u32, sums: array<vec4<f32>, 2>) -> array<vec4<f32>, 2> {
  let lanes = 1u << params.lanes_log2;
  partial[2u * lane] = sums[0];
  partial[2u * lane + 1u] = sums[1];
  workgroupBarrier();
  var first = sums[0];
  var second = sums[1];
  if (lane < lanes) {
    for (var other = lane + lanes; other < 64u; other += lanes) {
      first += partial[2u * other];
      second += partial[2u * other + 1u];
    }
  }
  return array<vec4<f32>, 2>(first, second);
}
