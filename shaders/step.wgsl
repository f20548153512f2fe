// What changes from step to step without changing shapes. Same order as StepParameters in src/graph/op.ts.
struct StepParameters {
  seed: u32,
  step: u32,
  micro_batch: u32,
  query_offset: u32,
  inverse_targets: f32,
  learning_rate: f32,
  weight_decay: f32,
  max_grad_norm: f32,
}

@group(0) @binding(9) var<uniform> step: StepParameters;
