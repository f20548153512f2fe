// output[n] = alpha · Σ_k a[k] · b[n, k] (+ output) (+ bias[n]): one row against a weight in a block format, for decoding a token.
//
// Bindings: 0 params; 1 a f32 [depth]; 2, 3 and 6 b (weight decoder) [columns, depth]; 4 bias f32 [columns]; 5 output.
// Dispatch: x = columns / (lanes along columns · 8). A lane owns 8 columns and every sliceCount-th block of 32 of the reduction, of which
// it reads the scales once.
// Lost: octets shared out, with scales read for each: 1.4 times the time for Q4_1, 1.7 for Q4_K, 1.3 for nested NF4 on lavapipe.
import package::matmul::tile::{params, store};
import package::matmul::left::{rowOf, left};
import package::matmul::slices::{sliceCount, gather};
import package::weight::{scalesAt, octetAt};

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let lanes = 1u << params.lanes_log2;
  let column = params.column_start + (workgroup.x * lanes + (lane & (lanes - 1u))) * 8u;
  let a0 = rowOf(0u, params.row_start);
  let quartets = (params.depth + 3u) >> 2u;
  let octets = (params.depth + 7u) >> 3u;
  let blocks = (params.depth + 31u) >> 5u;
  let last = (params.column_end - 1u) >> 2u;
  let group = min(column >> 2u, last);
  let next = min(group + 1u, last);
  let w_octets = (group * blocks) << 2u;
  let v_octets = (next * blocks) << 2u;
  var s = vec4<f32>();
  var t = vec4<f32>();
  for (var block = lane >> params.lanes_log2; block < blocks; block += sliceCount()) {
    let w_scales = scalesAt(group, block, blocks);
    let v_scales = scalesAt(next, block, blocks);
    let end = min((block + 1u) << 2u, octets);
    for (var octet = block << 2u; octet < end; octet++) {
      let w = octetAt(w_octets + octet, w_scales);
      let v = octetAt(v_octets + octet, v_scales);
      let x = left(a0, octet << 1u);
      // zeros past the end, where b need not hold zeros
      let has_upper = (octet << 1u) + 1u < quartets;
      let y = select(vec4<f32>(), left(a0, min((octet << 1u) + 1u, quartets - 1u)), has_upper);
      s += w.low * x + w.high * y;
      t += v.low * x + v.high * y;
    }
  }
  let sums = gather(lane, array<vec4<f32>, 2>(s, t));
  if (lane < lanes) {
    store(0u, params.row_start, column, sums[0]);
    store(0u, params.row_start, column + 4u, sums[1]);
  }
}
