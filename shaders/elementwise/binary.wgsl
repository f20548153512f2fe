// y = a ∘ b with NumPy broadcasting, ∘ one of +, −, ·, /, max, and H(a − b) (1, ½ on ties, 0: the gradient of max).
// 1 y: f32, the elements [start, start + count) of the output; holds a when a lies in place
// 2 b, 3 a: f32, each in the same range as y when it has the output's size, else whole
// Dispatch: element grid (src/graph/ops/pieces.ts), four elements a thread. Memory-bound, so the operator is a uniform switch.
// Three variants by shape: a in place and b as large; an operand that stretches only at its ends (`broadcast`), found by one division;
// any other (`strided`). One kernel with these as uniform branches was tried: SwiftShader runs every branch, divisions and all.
struct Params {
  count: u32,
  start: u32,
  operation: u32,
  in_place: u32,
  // (divisor, modulus, base, unused)
  a: vec4u,
  b: vec4u,
  shape: vec4u,
  a_strides: vec4u,
  b_strides: vec4u,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@if(broadcast) @group(0) @binding(3) var<storage, read> a: array<f32>;

// The operand's element under element `i` of the whole output, less the element where its binding starts.
@if(broadcast && !strided)
fn element(i: u32, operand: vec4u, strides: vec4u) -> u32 {
  return (i / operand.x) % operand.y - operand.z;
}

@if(broadcast && strided)
fn element(i: u32, operand: vec4u, strides: vec4u) -> u32 {
  let i2 = i / params.shape.w;
  let i1 = i2 / params.shape.z;
  let i0 = i1 / params.shape.y;
  let index = vec4u(i0, i1 - i0 * params.shape.y, i2 - i1 * params.shape.z, i - i2 * params.shape.w);
  return dot(index, strides) - operand.z;
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

@if(!broadcast)
fn update(i: u32) {
  if i < params.count {
    y[i] = combine(y[i], b[i]);
  }
}

@if(broadcast)
fn update(i: u32) {
  if i >= params.count {
    return;
  }
  var left: f32;
  if params.in_place == 1u {
    left = y[i];
  } else {
    left = a[element(params.start + i, params.a, params.a_strides)];
  }
  y[i] = combine(left, b[element(params.start + i, params.b, params.b_strides)]);
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
