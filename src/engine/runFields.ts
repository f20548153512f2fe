import { UserError } from '../formats/errors.ts';
import { readAdapterFields } from '../peft/adapterConfig.ts';
import { nearest } from '../peft/nearest.ts';
import { methodOf, methodOfConfig } from '../peft/registry.ts';
import type { Method } from '../peft/method.ts';
import { readFields } from '../peft/schema.ts';
import type { SchedulerType } from '../train/schedule.ts';
import type { TrainingSettings } from '../train/settings.ts';
import type { Quantisation } from '../quant/quantise.ts';
import { quantisationOf } from './quantisationFields.ts';
import { runFieldSchemas } from './runFieldSchemas.ts';
import type { TaskFields } from './taskModel.ts';

/** Names of ms-swift, LLaMA-Factory and Transformers for the same things. */
const aliases: Readonly<Record<string, string>> = {
  per_device_train_batch_size: 'batch_size',
  train_batch_size: 'batch_size',
  model_name_or_path: 'model',
  adapter_name_or_path: 'init_adapter',
  cutoff_len: 'max_length',
  max_seq_length: 'max_length',
  max_seq_len: 'max_length',
  val_size: 'val_split_ratio',
  split_dataset_ratio: 'val_split_ratio',
  val_dataset: 'eval_dataset',
  num_epochs: 'num_train_epochs',
  lora_rank: 'r',
  lora_r: 'r',
  lora_target: 'target_modules',
  use_gradient_checkpointing: 'gradient_checkpointing',
};

/** PEFT's fields for what the model tells by itself: read over. */
const toldByModel: ReadonlySet<string> = new Set(['fan_in_fan_out']);

/** Fields of other tools that Graft does not have: read over where they are off, refused with the reason where they are on. */
const absent: Readonly<Record<string, string>> = {
  packing: 'Rows are trained one by one, padded to the longest of a batch.',
};

export interface RunDescription {
  /** every field of the run with its value, in the file's spelling; the method's fields among them */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly method: Method;
  /** the method's fields alone, with defaults */
  readonly methodFields: Readonly<Record<string, unknown>>;
  readonly given: ReadonlySet<string>;
  readonly training: TrainingSettings;
  readonly task: TaskFields;
  /** how the model is quantised while it is loaded; undefined where it is not */
  readonly quantisation: Quantisation | undefined;
  readonly maxLength: number;
  readonly lossOn: 'replies' | 'all';
}

/**
 * Checks the fields of a run. Throws a UserError that names the field: unknown (with the nearest name), of another type, or one that Graft does not have.
 * @param adapterConfig of the adapter that is continued: it decides the method; method fields beside it must agree
 */
export function describeRun(
  given: Readonly<Record<string, unknown>>,
  adapterConfig?: Readonly<Record<string, unknown>>,
): RunDescription {
  const named = resolveAliases(given);
  const method = adapterConfig
    ? methodOfConfig(adapterConfig, named['peft_type'])
    : methodOf(named['peft_type'] ?? 'LORA');
  if (adapterConfig && methodOf(named['peft_type'] ?? method.peftType) !== method)
    throw new UserError(
      `peft_type: ${String(named['peft_type'])} disagrees with the adapter that is continued, which is ${method.peftType}. Leave the field out.`,
    );
  const known = [...runFieldSchemas, ...method.fields].map((field) => field.name);
  for (const [name, value] of Object.entries(named)) {
    const whyAbsent = absent[name];
    if (whyAbsent && value !== false && value !== null)
      throw new UserError(`${name}: Graft does not have it. ${whyAbsent} Leave the field out.`);
    if (name === 'peft_type' || whyAbsent || toldByModel.has(name) || known.includes(name)) continue;
    const suggestion = nearest(name, [...known, ...Object.keys(aliases)]);
    throw new UserError(
      `${name} is not a field of a run${suggestion ? `; did you mean ${suggestion}?` : ` with ${method.peftType}.`}`,
    );
  }
  const methodFields = readMethodFields(method, named, adapterConfig);
  const defaults = { learning_rate: method.learningRate };
  const runFields = readFields(runFieldSchemas, { ...defaults, ...withoutNulls(named) });
  return {
    fields: { ...runFields, peft_type: method.peftType, ...methodFields },
    method,
    methodFields,
    given: new Set(Object.keys(named)),
    training: trainingSettings(runFields),
    task: {
      task_type: runFields['task_type'] as TaskFields['task_type'],
      problem_type: runFields['problem_type'] as TaskFields['problem_type'],
    },
    quantisation: quantisationOf(runFields),
    maxLength: runFields['max_length'] as number,
    lossOn: runFields['loss_on'] as 'replies' | 'all',
  };
}

/**
 * The run with rows no longer than the model's positions behind the adapter's virtual tokens: a default is lowered to them, a max_length
 * that was asked for and is more is a UserError.
 */
export function withinPositions(run: RunDescription, positions: number): RunDescription {
  const virtual = Number(run.methodFields['num_virtual_tokens'] ?? 0);
  const room = positions - virtual;
  if (room < 1)
    throw new UserError(
      `num_virtual_tokens: ${virtual} virtual tokens leave no room in the ${positions} positions of this model. Take fewer.`,
    );
  if (run.maxLength <= room) return run;
  if (run.given.has('max_length'))
    throw new UserError(
      `max_length: ${run.maxLength} is more than the ${room} positions of this model ${virtual > 0 ? `that ${virtual} virtual tokens leave` : '(max_position_embeddings)'}. Give ${room} or less.`,
    );
  return { ...run, maxLength: room, fields: { ...run.fields, max_length: room } };
}

function readMethodFields(
  method: Method,
  named: Readonly<Record<string, unknown>>,
  adapterConfig: Readonly<Record<string, unknown>> | undefined,
): Record<string, unknown> {
  if (!adapterConfig) return readFields(method.fields, named);
  const fromAdapter = readAdapterFields(method, adapterConfig);
  const repeated = readFields(method.fields, { ...fromAdapter, ...withoutNulls(named) });
  for (const field of method.fields) {
    const [a, b] = [fromAdapter[field.name], repeated[field.name]];
    if (field.trainingOnly !== true && JSON.stringify(sorted(a)) !== JSON.stringify(sorted(b)))
      throw new UserError(
        `${field.name}: ${JSON.stringify(b)} disagrees with the adapter that is continued, which has ${JSON.stringify(a)}. Leave the field out.`,
      );
  }
  return repeated;
}

function sorted(value: unknown): unknown {
  return Array.isArray(value) ? [...value].sort() : value;
}

function resolveAliases(given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const named: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    const target = aliases[name] ?? name;
    const other = Object.keys(given).find(
      (candidate) => candidate !== name && (aliases[candidate] ?? candidate) === target,
    );
    if (target in named && JSON.stringify(named[target]) !== JSON.stringify(value))
      throw new UserError(`${other} and ${name} mean the same and are given different values. Keep one of them.`);
    if (name === 'tuner_type' || name === 'finetuning_type' || name === 'train_type')
      named['peft_type'] = String(value).toUpperCase();
    else named[target] = value;
  }
  return named;
}

function withoutNulls(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

function trainingSettings(fields: Readonly<Record<string, unknown>>): TrainingSettings {
  const number = (name: string) => fields[name] as number;
  return {
    batchSize: number('batch_size'),
    gradientAccumulationSteps: number('gradient_accumulation_steps'),
    numTrainEpochs: number('num_train_epochs'),
    maxSteps: Math.max(0, number('max_steps')),
    learningRate: number('learning_rate'),
    lrSchedulerType: fields['lr_scheduler_type'] as SchedulerType,
    warmupSteps: number('warmup_steps'),
    warmupRatio: number('warmup_ratio'),
    weightDecay: number('weight_decay'),
    maxGradNorm: number('max_grad_norm'),
    seed: number('seed'),
    shuffle: fields['shuffle'] === true,
    gradientCheckpointing: fields['gradient_checkpointing'] === true,
    evalSteps: number('eval_steps'),
    saveSteps: number('save_steps'),
    loggingSteps: number('logging_steps'),
  };
}
