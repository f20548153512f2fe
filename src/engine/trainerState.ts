/** trainer_state.json as Transformers writes it: what the figures of a run were, step by step. */
export type LogEntry = Readonly<Record<string, number>>;

export function trainerState(
  log: readonly LogEntry[],
  run: {
    step: number;
    maxSteps: number;
    epoch: number;
    batchSize: number;
    loggingSteps: number;
    evalSteps: number;
    saveSteps: number;
  },
): Record<string, unknown> {
  const evaluations = log.filter((entry) => entry['eval_loss'] !== undefined);
  const best = evaluations.reduce<LogEntry | undefined>(
    (least, entry) => ((entry['eval_loss'] ?? Infinity) < (least?.['eval_loss'] ?? Infinity) ? entry : least),
    undefined,
  );
  return {
    best_global_step: best?.['step'] ?? null,
    best_metric: best?.['eval_loss'] ?? null,
    best_model_checkpoint: null,
    epoch: run.epoch,
    eval_steps: run.evalSteps,
    global_step: run.step,
    is_hyper_param_search: false,
    is_local_process_zero: true,
    is_world_process_zero: true,
    log_history: log,
    logging_steps: run.loggingSteps,
    max_steps: run.maxSteps,
    num_input_tokens_seen: 0,
    num_train_epochs: Math.ceil(run.epoch),
    save_steps: run.saveSteps,
    train_batch_size: run.batchSize,
    trial_name: null,
    trial_params: null,
  };
}
