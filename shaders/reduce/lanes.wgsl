// Sums over the lanes of a workgroup of at most 256, in a fixed order (a tree), so that the same values give the same bits.

var<workgroup> partial_sums: array<vec2f, 256>;

/// The sums of `value` over each run of `lanes` neighbouring invocations (a power of two), given to all of them.
/// `lanes` must be uniform and every invocation of the workgroup must call it.
fn sum_over_lanes(local: u32, lanes: u32, value: vec2f) -> vec2f {
  partial_sums[local] = value;
  workgroupBarrier();
  for (var reach = lanes >> 1u; reach > 0u; reach >>= 1u) {
    if ((local & (lanes - 1u)) < reach) {
      partial_sums[local] += partial_sums[local + reach];
    }
    workgroupBarrier();
  }
  let total = partial_sums[local & ~(lanes - 1u)];
  workgroupBarrier();
  return total;
}

var<workgroup> partial_maxima: array<f32, 256>;

/// The largest `value` over each run of `lanes` neighbouring invocations; called as sum_over_lanes.
fn max_over_lanes(local: u32, lanes: u32, value: f32) -> f32 {
  partial_maxima[local] = value;
  workgroupBarrier();
  for (var reach = lanes >> 1u; reach > 0u; reach >>= 1u) {
    if ((local & (lanes - 1u)) < reach) {
      partial_maxima[local] = max(partial_maxima[local], partial_maxima[local + reach]);
    }
    workgroupBarrier();
  }
  let largest = partial_maxima[local & ~(lanes - 1u)];
  workgroupBarrier();
  return largest;
}
