// A ← A⁻¹ for each [b, b] block, b ≤ 256, by Gauss–Jordan elimination in place with partial pivoting.
// 1 a: f32 [n, b, b], holds A before
// Dispatch: a workgroup of 64 a block, flat two-dimensional grid. Step k exchanges row k with the row p ≥ k whose entry in column k is largest,
// then clears column k everywhere else while the inverse grows in the columns that are done; at the end the exchanges are undone as columns.
// The block stays in storage: with its row and column it would exceed 16 KB of workgroup memory at b = 64.
// Source: Golub and Van Loan, Matrix Computations, on Gauss–Jordan transformations. A singular block gives infinities.
struct Params {
  blocks: u32,
  size: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> a: array<f32>;

var<workgroup> row: array<f32, 256>;
var<workgroup> column: array<f32, 256>;
var<workgroup> pivots: array<u32, 256>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let block = group.y * groups.x + group.x;
  // a workgroup beyond the last block walks it idle, because barriers must be reached by all alike
  let size = select(0u, params.size, block < params.blocks);
  let start = block * params.size * params.size;
  for (var k = 0u; k < params.size; k++) {
    for (var i = lane; i < size; i += 64u) {
      column[i] = a[start + i * size + k];
    }
    workgroupBarrier();
    if lane == 0u {
      var best = k;
      for (var i = k + 1u; i < size; i++) {
        if abs(column[i]) > abs(column[best]) {
          best = i;
        }
      }
      pivots[k] = best;
    }
    workgroupBarrier();
    let p = pivots[k];
    let pivot = column[p];
    for (var j = lane; j < size; j += 64u) {
      let entry = a[start + p * size + j];
      a[start + p * size + j] = a[start + k * size + j];
      row[j] = select(entry, 1.0, j == k) / pivot;
    }
    storageBarrier();
    workgroupBarrier();
    for (var e = lane; e < size * size; e += 64u) {
      let i = e / size;
      let j = e - i * size;
      if i == k {
        a[start + e] = row[j];
      } else {
        // row p now holds what row k held
        let multiplier = select(column[i], column[k], i == p);
        a[start + e] = select(a[start + e], 0.0, j == k) - multiplier * row[j];
      }
    }
    storageBarrier();
    workgroupBarrier();
  }
  for (var i = lane; i < size; i += 64u) {
    for (var k = size; k > 0u; k--) {
      let p = pivots[k - 1u];
      let entry = a[start + i * size + k - 1u];
      a[start + i * size + k - 1u] = a[start + i * size + p];
      a[start + i * size + p] = entry;
    }
  }
}
