// The left operand where the reduction runs along its rows: a f32 [batch, rows, depth] at binding 1.
import package::matmul::tile::params;

@if(VEC4_LEFT) @group(0) @binding(1) var<storage, read> a: array<vec4<f32>>;
@else @group(0) @binding(1) var<storage, read> a: array<f32>;

// Where a row starts: counted in fours where a is. Rows past the end repeat the last one; what they give is never stored.
fn rowOf(batch: u32, row: u32) -> u32 {
  let start = params.a_offset + batch * params.a_batch + min(row, params.row_end - 1u) * params.a_row;
  @if(VEC4_LEFT) return start >> 2u;
  @else return start;
}

// Elements 4·quartet..4·quartet + 3 of the row that starts at `start`; zero from `depth` on.
@if(VEC4_LEFT)
fn left(start: u32, quartet: u32) -> vec4<f32> {
  return a[start + quartet];
}

@else
fn left(start: u32, quartet: u32) -> vec4<f32> {
  let k = quartet << 2u;
  let last = params.depth - 1u;
  let x = vec4(a[start + k], a[start + min(k + 1u, last)], a[start + min(k + 2u, last)], a[start + min(k + 3u, last)]);
  return select(vec4<f32>(), x, vec4(k, k + 1u, k + 2u, k + 3u) < vec4(params.depth));
}
