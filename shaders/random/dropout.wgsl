// y = x / (1 − p) where the element is kept, else 0. Kept when its random word is at least p · 2³².
// 1 y: f32, the elements [start, start + count) of the tensor; holds x before
// Dispatch: element grid (src/graph/ops/pieces.ts), four elements a thread. Nothing is stored: the backward pass and a recomputation draw the same words.
import package::step::step;
import package::random::hash::{random_key, random_word};

struct Params {
  count: u32,
  start: u32,
  site: u32,
  threshold: u32,
  scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

fn update(i: u32, key: vec4u) {
  if i < params.count {
    y[i] = select(0.0, y[i] * params.scale, random_word(key, params.start + i) >= params.threshold);
  }
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups.x + group.x) * 1024u + lane;
  let key = random_key(step.seed, step.step, step.micro_batch, params.site);
  update(first, key);
  update(first + 256u, key);
  update(first + 512u, key);
  update(first + 768u, key);
}
