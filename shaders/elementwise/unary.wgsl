// y = f(x), or factor · x.
// 1 y: f32 [count], holds x before
// Dispatch: element grid (src/graph/ops/pieces.ts), four elements a thread. The function is compiled in: a uniform switch
// was tried, and SwiftShader evaluates every case of it.
// tanh and exp arguments are clamped where f32 saturates, because drivers that build tanh from exp give NaN beyond.
import package::elementwise::trigonometry::{sine, cosine};
import constants::operation;

struct Params {
  count: u32,
  factor: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

fn evaluate(x: f32) -> f32 {
  switch operation {
    case 0u: { return params.factor * x; }
    case 1u: { return exp(x); }
    case 2u: { return log(x); }
    case 3u: { return sqrt(x); }
    case 4u: { return inverseSqrt(x); }
    case 5u: { return x * x; }
    case 6u: { return abs(x); }
    case 7u: { return sign(x); }
    case 8u: { return 1.0 / x; }
    case 9u: { return tanh(clamp(x, -20.0, 20.0)); }
    case 10u: { return 1.0 / (1.0 + exp(-clamp(x, -80.0, 80.0))); }
    case 11u: { return max(x, 0.0); }
    case 12u: { return sine(x); }
    default: { return cosine(x); }
  }
}

fn update(i: u32) {
  if i < params.count {
    y[i] = evaluate(y[i]);
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
