// y = a ∘ b with NumPy broadcasting, ∘ one of +, −, ·, /, max, and H(a − b) (1, ½ on ties, 0: the gradient of max).
// 1 y: f32, the elements [start, start + count) of the output; holds a when a lies in place
// 2 b, 3 a: f32, each bound whole, or in the same range as y when its shape is the output's
// Dispatch: flat grid of 256-wide workgroups, an element a thread. Memory-bound: the operator is a uniform switch, which costs nothing,
// and one pipeline serves all. An operand that stretches only at its ends is found by one division; only the rest walks strides.
struct Params {
  count: u32,
  start: u32,
  operation: u32,
  in_place: u32,
  // (mode, divisor, modulus, unused); mode 0: same range as y, 1: (i / divisor) mod modulus, 2: strides
  a: vec4u,
  b: vec4u,
  shape: vec4u,
  a_strides: vec4u,
  b_strides: vec4u,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read> a: array<f32>;

fn element(local: u32, operand: vec4u, strides: vec4u) -> u32 {
  if operand.x == 0u {
    return local;
  }
  let i = local + params.start;
  if operand.x == 1u {
    return (i / operand.y) % operand.z;
  }
  let i2 = i / params.shape.w;
  let i1 = i2 / params.shape.z;
  let i0 = i1 / params.shape.y;
  return dot(vec4u(i0, i1 % params.shape.y, i2 % params.shape.z, i % params.shape.w), strides);
}

fn combine(left: f32, right: f32) -> f32 {
  switch params.operation {
    case 0u: { return left + right; }
    case 1u: { return left - right; }
    case 2u: { return left * right; }
    case 3u: { return left / right; }
    case 4u: { return max(left, right); }
    default: { return select(select(0.0, 1.0, left > right), 0.5, left == right); }
  }
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * 256u + lane;
  if i >= params.count {
    return;
  }
  var left: f32;
  if params.in_place == 1u {
    left = y[i];
  } else {
    left = a[element(i, params.a, params.a_strides)];
  }
  y[i] = combine(left, b[element(i, params.b, params.b_strides)]);
}
