// AdaLoRA's sensitivity of each triplet (Zhang et al., arXiv 2303.10512, equations 8 to 10): for each number of a factor
//   I = |p · ∇|,  Ī ← β₁ Ī + (1 − β₁) I,  U ← β₂ U + (1 − β₂) |I − Ī|,  scores[offset + k] (+)= mean of Ī · U over the numbers of rank k
// 1 parameter: f32   2 gradient: f32   3 importance Ī: f32   4 uncertainty U: f32, all of one size   5 scores: f32 [ranks of all]
// 6 control: u32 [4], the first word 0 = leave everything as it is
// Number e of rank k lies at k · rank_stride + e · stride. Dispatch: a workgroup a rank; its lanes stride over the numbers.
import package::reduce::lanes::sum_over_lanes;

struct Params {
  numbers: u32,
  rank_stride: u32,
  stride: u32,
  offset: u32,
  adds: u32,
  beta1: f32,
  beta2: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parameter: array<f32>;
@group(0) @binding(2) var<storage, read> gradient: array<f32>;
@group(0) @binding(3) var<storage, read_write> importance: array<f32>;
@group(0) @binding(4) var<storage, read_write> uncertainty: array<f32>;
@group(0) @binding(5) var<storage, read_write> scores: array<f32>;
@group(0) @binding(6) var<storage, read> control: array<u32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let updates = control[0] == 1u;
  var sum = 0.0;
  for (var e = lane; e < params.numbers; e += 256u) {
    let i = group.x * params.rank_stride + e * params.stride;
    if updates {
      let now = abs(parameter[i] * gradient[i]);
      let smooth_importance = params.beta1 * importance[i] + (1.0 - params.beta1) * now;
      let smooth_uncertainty = params.beta2 * uncertainty[i] + (1.0 - params.beta2) * abs(now - smooth_importance);
      importance[i] = smooth_importance;
      uncertainty[i] = smooth_uncertainty;
      sum += smooth_importance * smooth_uncertainty;
    }
  }
  let total = sum_over_lanes(lane, 256u, vec2f(sum, 0.0)).x;
  if lane == 0u && updates {
    let at = params.offset + group.x;
    let score = total / f32(params.numbers);
    scores[at] = select(score, scores[at] + score, params.adds == 1u);
  }
}
