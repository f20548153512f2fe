// dx = dy · f′, where f′ is told from x, or from f(x) where that is the cheaper: see src/graph/ops/unary.ts.
// 1 dx: f32 [count], holds dy before
// 2 saved: f32 [count], x or f(x)
// Dispatch: element grid (src/graph/ops/pieces.ts), four elements a thread; the function is compiled in, numbered as in unary.wgsl.
import package::elementwise::trigonometry::{sine, cosine};
import constants::operation;

struct Params {
  count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> dx: array<f32>;
@group(0) @binding(2) var<storage, read> saved: array<f32>;

fn slope(s: f32) -> f32 {
  switch operation {
    case 1u: { return s; }
    case 2u: { return 1.0 / s; }
    case 3u: { return 0.5 / s; }
    case 4u: { return -0.5 * s * s * s; }
    case 5u: { return 2.0 * s; }
    case 6u: { return sign(s); }
    case 8u: { return -s * s; }
    case 9u: { return 1.0 - s * s; }
    case 10u: { return s * (1.0 - s); }
    case 11u: { return select(0.0, 1.0, s > 0.0); }
    case 12u: { return cosine(s); }
    case 13u: { return -sine(s); }
    default: { return 0.0; }
  }
}

fn update(i: u32) {
  if i < params.count {
    dx[i] *= slope(saved[i]);
  }
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups.x + group.x) * 1024u + lane;
  update(first);
  update(first + 256u);
  update(first + 512u);
  update(first + 768u);
}
