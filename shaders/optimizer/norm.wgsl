// norm = (√s, clip factor, 1 where √s is finite, 0), s the sum of the squares of all gradients.
// Clip factor = min(1, max_grad_norm / (√s + 10⁻⁶)), as torch.nn.utils.clip_grad_norm_; 1 when max_grad_norm is 0.
// 1 sum_of_squares: f32 [1]   2 norm: f32 [4]. Dispatch: one invocation.
import package::step::step;
import package::optimizer::finite::is_finite;

@group(0) @binding(1) var<storage, read> sum_of_squares: array<f32>;
@group(0) @binding(2) var<storage, read_write> norm: array<f32>;

@compute @workgroup_size(1)
fn main() {
  let value = sqrt(sum_of_squares[0]);
  norm[0] = value;
  norm[1] = select(1.0, min(1.0, step.max_grad_norm / (value + 1e-6)), step.max_grad_norm > 0.0);
  norm[2] = select(0.0, 1.0, is_finite(value));
  norm[3] = 0.0;
}
