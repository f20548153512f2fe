// Writes what the chart shows into slot (step mod 64) of a ring, and clears the sums for the next step:
// ring[step mod 64] = (step, loss · inverse_targets, norm, 1 where loss and norm are finite, learning rate, regulariser, 0, 0).
// 1 loss: f32, its first number is the sum over target tokens   2 norm: f32 [4] of norm.wgsl   3 ring: f32 [64, 8]
// 4 regulariser: f32 [1], where the method has one. Dispatch: one invocation.
import package::step::step;
import package::optimizer::finite::is_finite;

struct Params {
  has_regulariser: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> loss: array<f32>;
@group(0) @binding(2) var<storage, read> norm: array<f32>;
@group(0) @binding(3) var<storage, read_write> ring: array<f32>;
@group(0) @binding(4) var<storage, read_write> regulariser: array<f32>;

@compute @workgroup_size(1)
fn main() {
  let slot = (step.step % 64u) * 8u;
  let mean = loss[0] * step.inverse_targets;
  ring[slot] = f32(step.step);
  ring[slot + 1u] = mean;
  ring[slot + 2u] = norm[0];
  ring[slot + 3u] = select(0.0, 1.0, norm[2] == 1.0 && is_finite(mean));
  ring[slot + 4u] = step.learning_rate;
  loss[0] = 0.0;
  if params.has_regulariser == 1u {
    ring[slot + 5u] = regulariser[0];
    regulariser[0] = 0.0;
  }
}
