// AdamW as torch.optim.AdamW (Loshchilov and Hutter, arXiv 1711.05101), with the gradient clipped by its global norm:
//   g = clip · ∇   m ← m + (1 − β1)(g − m)   v ← β2·v + (1 − β2)·g²
//   p ← p·(1 − η·λ) − (η / c1) · m / (√v / √c2 + ε),   c = 1 − βᵗ, η = learning rate · factor, λ = weight decay · factor of p's group
// The gradient is then cleared, or left clipped for a method that looks at it. A norm that is not finite changes nothing but that;
// nor does a group whose learning-rate factor is 0: it is frozen, moments and all.
// 1 p, 2 ∇, 3 m, 4 v: f32, a range of the flat space   5 groups: u32 [blocks of 64]   6 norm: f32 [4] of norm.wgsl
// 7 rates: f32 [groups, 4] (learning-rate factor, weight-decay factor, c1, c2, of the group's own t). Dispatch: element grid (src/graph/ops/pieces.ts), four parameters a thread. One pass over memory: with four
// buffers read and written it is bound by bandwidth alone, so clipping and clearing are free here.
import package::step::step;

struct Params {
  count: u32,
  start: u32,
  keep_gradient: u32,
  beta2: f32,
  // 1 − β, rounded once from doubles as torch does
  beta1_rest: f32,
  beta2_rest: f32,
  epsilon: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> p: array<f32>;
@group(0) @binding(2) var<storage, read_write> gradient: array<f32>;
@group(0) @binding(3) var<storage, read_write> m: array<f32>;
@group(0) @binding(4) var<storage, read_write> v: array<f32>;
@group(0) @binding(5) var<storage, read> groups: array<u32>;
@group(0) @binding(6) var<storage, read> norm: array<f32>;
@group(0) @binding(7) var<storage, read> rates: array<vec4f>;

fn update(i: u32) {
  if i >= params.count {
    return;
  }
  let factors = rates[groups[(params.start + i) / 64u]];
  let g = gradient[i] * norm[1];
  if norm[2] == 1.0 && factors.x != 0.0 {
    let rate = step.learning_rate * factors.x;
    let first = m[i] + params.beta1_rest * (g - m[i]);
    let second = params.beta2 * v[i] + params.beta2_rest * g * g;
    let decayed = p[i] * (1.0 - rate * step.weight_decay * factors.y);
    let root = sqrt(second) / sqrt(factors.w) + params.epsilon;
    m[i] = first;
    v[i] = second;
    p[i] = decayed - (rate / factors.z) * (first / root);
  }
  gradient[i] = select(0.0, g, params.keep_gradient == 1u);
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups_of_threads: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups_of_threads.x + group.x) * 1024u + lane;
  update(first);
  update(first + 256u);
  update(first + 512u);
  update(first + 768u);
}
