import type { FloatTensor } from './floatTensors.ts';

/** The name that Graft gives an adapter of two parts, each in a folder that its own library loads. */
export const hybridType = 'HYBRID';

/** The name that Graft gives a model that was trained whole: its folder is a model's, config.json and model.safetensors. */
export const wholeModelType = 'FULL';

/** What an adapter's folder holds. */
export interface AdapterFolder {
  /**
   * adapter_config.json: with a `peft_type` it is PEFT's, without one AdapterHub's. Of an adapter of two parts:
   * { peft_type: 'HYBRID', lora: PEFT's, adapter: AdapterHub's }.
   */
  readonly config: Readonly<Record<string, unknown>>;
  /** keyed as in the file; those of two parts together */
  readonly tensors: ReadonlyMap<string, FloatTensor>;
  /** tensors of safetensors files beside the adapter's own, by file name */
  readonly beside?: ReadonlyMap<string, ReadonlyMap<string, FloatTensor>>;
}

/** The name of the model that an adapter_config.json says it was trained on; empty where it says none. */
export function baseModelOf(config: AdapterFolder['config']): string {
  if (config['peft_type'] === hybridType) return baseModelOf(config['lora'] as AdapterFolder['config']);
  const name = config['base_model_name_or_path'] ?? config['model_name'];
  return typeof name === 'string' ? name : '';
}
