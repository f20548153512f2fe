import { UserError } from '../formats/errors.ts';
import type { Method } from './method.ts';
import { readFields } from './schema.ts';

/** Keys of adapter_config.json that say nothing about the numbers, or what the model and the shapes of the tensors say too. */
const bookkeeping = new Set([
  'auto_mapping',
  'base_model_name_or_path',
  'fan_in_fan_out',
  'inference_mode',
  'megatron_core',
  'num_attention_heads',
  'num_layers',
  'num_transformer_submodules',
  'peft_type',
  'peft_version',
  'qalora_group_size',
  'revision',
  'runtime_config',
  'task_type',
  'token_dim',
  'tokenizer_kwargs',
]);

/**
 * A method's fields from adapter_config.json. A setting that this method does not know is refused where it is switched on: PEFT would
 * compute something else with it, and the adapter would be wrong in silence.
 */
export function readAdapterFields(method: Method, config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  if (method.readConfig) return readFields(method.fields, method.readConfig(config));
  const known = new Set(method.fields.map(({ name }) => name));
  const unread = Object.keys(config).find(
    (key) => !known.has(key) && !bookkeeping.has(key) && isSwitchedOn(config[key]),
  );
  if (unread !== undefined)
    throw new UserError(
      `adapter_config.json: ${unread}: ${JSON.stringify(config[unread])} is not supported for ${method.peftType}. Use an adapter without it.`,
    );
  return readFields(method.fields, config);
}

function isSwitchedOn(value: unknown): boolean {
  if (value === null || value === undefined || value === false || value === '') return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}
