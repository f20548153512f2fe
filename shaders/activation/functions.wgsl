// Activation functions and their derivatives, by the code of src/graph/ops/activationFunctions.ts. The code comes from a uniform,
// so that every activation shares one pipeline; a uniform branch costs next to nothing beside the memory traffic.
//   silu(x) = x·σ(x); gelu(x) = x·Φ(x); gelu_tanh(x) = x/2·(1 + tanh(√(2/π)(x + 0.044715x³)))
// Arguments of exp and tanh are clamped, because WGSL lets an implementation assume that nothing overflows.
// erf is Abramowitz & Stegun 7.1.26 (absolute error under 1.5e-7).

const RELU = 0u;
const SILU = 1u;
const GELU = 2u;
const GELU_TANH = 3u;
const TANH = 4u;

const SQRT_HALF = 0.70710678118654752;
const INVERSE_SQRT_TWO_PI = 0.39894228040143268;
const GELU_SLOPE = 0.79788456080286536;
const GELU_CUBIC = 0.044715;

fn sigmoid(x: f32) -> f32 {
  return 1.0 / (1.0 + exp(-clamp(x, -80.0, 80.0)));
}

fn bounded_tanh(x: f32) -> f32 {
  return tanh(clamp(x, -15.0, 15.0));
}

fn normal_cumulative(x: f32) -> f32 {
  let z = abs(x) * SQRT_HALF;
  let t = 1.0 / (1.0 + 0.3275911 * z);
  let series = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  let tail = 0.5 * series * exp(-min(z * z, 80.0));
  return select(tail, 1.0 - tail, x > 0.0);
}

fn gelu_tanh_inner(x: f32) -> f32 {
  return bounded_tanh(GELU_SLOPE * (x + GELU_CUBIC * x * x * x));
}

fn activate(kind: u32, x: f32) -> f32 {
  switch (kind) {
    case RELU: { return max(x, 0.0); }
    case SILU: { return x * sigmoid(x); }
    case GELU: { return x * normal_cumulative(x); }
    case GELU_TANH: { return 0.5 * x * (1.0 + gelu_tanh_inner(x)); }
    case TANH: { return bounded_tanh(x); }
    default: { return sigmoid(x); }
  }
}

fn activation_derivative(kind: u32, x: f32) -> f32 {
  switch (kind) {
    case RELU: { return select(0.0, 1.0, x > 0.0); }
    case SILU: {
      let s = sigmoid(x);
      return s * (1.0 + x * (1.0 - s));
    }
    case GELU: {
      return normal_cumulative(x) + x * INVERSE_SQRT_TWO_PI * exp(-min(0.5 * x * x, 80.0));
    }
    case GELU_TANH: {
      let t = gelu_tanh_inner(x);
      return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * GELU_SLOPE * (1.0 + 3.0 * GELU_CUBIC * x * x);
    }
    case TANH: {
      let t = bounded_tanh(x);
      return 1.0 - t * t;
    }
    default: {
      let s = sigmoid(x);
      return s * (1.0 - s);
    }
  }
}
