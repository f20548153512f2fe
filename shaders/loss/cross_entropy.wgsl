// Cross-entropy of rows of logits: lse = log Σ exp(x), loss = lse − x[target] (not scaled).
// With GRADIENT also, in place: dx = (exp(x − lse) − onehot(target)) · inverse_targets.
// Without it: hits = 1 where no logit stands above the target's (the first of equals wins).
// A target of 0xffffffff marks an unused row: loss, hit and gradient are 0.
//   1 logits f32 [rows, columns] (→ dx)   2 targets u32 [rows]   3 losses f32 [rows]   4 hits f32 [rows] (without GRADIENT)
// One workgroup of 256 a row, from row `first_row` on. Each lane keeps a running maximum and sum over every 256th value
// (Milakov & Gimelshein, "Online normalizer calculation for softmax", 2018); a tree of fixed order joins them.

import package::reduce::lanes::sum_over_lanes;
import package::step::step;

struct Params {
  first_row: u32,
  columns: u32,
}

const WORKGROUP = 256u;
const UNUSED = 0xffffffffu;
const LOWEST = -3.4e38;

@group(0) @binding(0) var<uniform> params: Params;
@if(GRADIENT) @group(0) @binding(1) var<storage, read_write> logits: array<f32>;
@else @group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> targets: array<u32>;
@group(0) @binding(3) var<storage, read_write> losses: array<f32>;
@if(!GRADIENT) @group(0) @binding(4) var<storage, read_write> hits: array<f32>;

var<workgroup> running: array<vec2f, 256>; // maximum, sum of exp(x − maximum)

fn join(a: vec2f, b: vec2f) -> vec2f {
  let highest = max(a.x, b.x);
  return vec2f(highest, a.y * exp(a.x - highest) + b.y * exp(b.x - highest));
}

fn log_sum_exp(local: u32, mine: vec2f) -> f32 {
  running[local] = mine;
  workgroupBarrier();
  for (var reach = WORKGROUP >> 1u; reach > 0u; reach >>= 1u) {
    if (local < reach) {
      running[local] = join(running[local], running[local + reach]);
    }
    workgroupBarrier();
  }
  return running[0].x + log(running[0].y);
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row = params.first_row + group.x;
  let start = row * params.columns;
  let used = targets[row] != UNUSED;
  let target_column = min(targets[row], params.columns - 1u);
  let target_logit = logits[start + target_column];

  var mine = vec2f(LOWEST, 0.0);
  var above = 0.0;
  for (var c = local; c < params.columns; c += WORKGROUP) {
    let x = logits[start + c];
    let highest = max(mine.x, x);
    mine = vec2f(highest, mine.y * exp(mine.x - highest) + exp(x - highest));
    @if(!GRADIENT) if (x > target_logit || (x == target_logit && c < target_column)) {
      above = 1.0;
    }
  }
  let lse = log_sum_exp(local, mine);

  @if(GRADIENT) for (var c = local; c < params.columns; c += WORKGROUP) {
    let probability = exp(logits[start + c] - lse);
    let difference = probability - select(0.0, 1.0, c == target_column);
    logits[start + c] = select(0.0, difference * step.inverse_targets, used);
  }
  @if(!GRADIENT) let total_above = sum_over_lanes(local, WORKGROUP, vec2f(above, 0.0)).x;
  if (local == 0u) {
    losses[row] = select(0.0, lse - target_logit, used);
    @if(!GRADIENT) hits[row] = select(0.0, 1.0, used && total_above == 0.0);
  }
}
