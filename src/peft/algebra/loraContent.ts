import { UserError } from '../../formats/errors.ts';
import type { FloatTensor } from '../../formats/floatTensors.ts';
import { readAdapterFields } from '../adapterConfig.ts';
import { lora } from '../lora.ts';
import { scaleOf } from '../lora/scale.ts';
import type { AdapterContent } from '../method.ts';
import { keyPrefix } from '../savedModules.ts';
import type { Svd } from './svd.ts';

/** The update of one module: ΔW = scale · B A, for an embedding its transpose. */
export interface LoraModule {
  readonly path: string;
  readonly kind: 'linear' | 'embedding';
  /** [rank, in] */
  readonly a: FloatTensor;
  /** [out, rank] */
  readonly b: FloatTensor;
}

export type Factors = Pick<LoraModule, 'a' | 'b'>;

/** Told before each module; what it returns is awaited, so that a worker can answer in between. */
export type OnModule = (done: number, total: number) => Promise<void> | void;

/** A LoRA adapter as its folder holds it, taken apart. */
export interface LoraContent {
  readonly modules: ReadonlyMap<string, LoraModule>;
  /** by file key: modules that were trained whole, and copies of the checkpoint's own tables */
  readonly trainedWhole: ReadonlyMap<string, FloatTensor>;
  readonly copies: ReadonlyMap<string, FloatTensor>;
  /** r, or the largest of rank_pattern where that is more */
  readonly rank: number;
  scaleOf(module: LoraModule): number;
}

const factorKeys = /^base_model\.model\.(.+)\.lora_(embedding_)?([AB])(?:\.weight)?$/;

/** Starts that change the base weight: the adapter's file alone then does not say what the adapter does. */
const changesBase = /^(pissa|olora|corda|loftq|lora_ga)/i;

/** Takes a LoRA adapter apart. Throws a UserError with the adapter's name where it is none, or holds more than factors can say. */
export function readLora(name: string, { config, tensors }: AdapterContent): LoraContent {
  const refuse = (why: string): never => {
    throw new UserError(`${name}: ${why}`);
  };
  if (String(config['peft_type']).toUpperCase() !== 'LORA')
    refuse(
      `only LoRA adapters can be blended, and this is ${String(config['peft_type'] ?? 'of AdapterHub')}. Convert it to LoRA first.`,
    );
  if (config['use_dora'] === true)
    refuse(
      'this is a DoRA adapter, and its magnitudes do not add up (PEFT throws them away in a blend). Convert it to LoRA first.',
    );
  if ((config['bias'] ?? 'none') !== 'none' || config['lora_bias'] === true)
    refuse('the adapter trains biases, and PEFT blends only adapters without. Merge it into the model instead.');
  if (changesBase.test(String(config['init_lora_weights'])))
    refuse(
      `init_lora_weights ${String(config['init_lora_weights'])} changed the base model in training, so that the file alone does not say what the adapter does. Save it as a plain LoRA first (PEFT: path_initial_model_for_weight_conversion).`,
    );
  if (isFilled(config['target_parameters']))
    refuse('target_parameters is set, and such an adapter cannot be blended. Merge it into the model instead.');
  const { modules, trainedWhole, copies } = takeApart(config, tensors, refuse);
  const fields = readAdapterFields(lora, config);
  const ranks = [fields['r'], ...Object.values((fields['rank_pattern'] ?? {}) as object)] as number[];
  return {
    modules,
    trainedWhole,
    copies,
    rank: Math.max(...ranks),
    scaleOf: ({ path, a }) => scaleOf(fields, path, a.shape[0] ?? 1),
  };
}

function isFilled(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}

function takeApart(
  config: AdapterContent['config'],
  tensors: AdapterContent['tensors'],
  refuse: (why: string) => never,
): Pick<LoraContent, 'modules' | 'trainedWhole' | 'copies'> {
  const factors = new Map<string, Partial<Record<'A' | 'B', FloatTensor>> & Pick<LoraModule, 'kind'>>();
  const [trainedWhole, copies] = [new Map<string, FloatTensor>(), new Map<string, FloatTensor>()];
  const saved = [config['modules_to_save'] ?? []].flat().map(String);
  for (const [key, tensor] of tensors) {
    const [, path, embedding, letter] = factorKeys.exec(key) ?? [];
    if (path !== undefined) {
      const kind = embedding === undefined ? 'linear' : 'embedding';
      factors.set(path, { ...factors.get(path), kind, [letter as 'A' | 'B']: tensor });
    } else if (key.endsWith('.base_layer.weight')) copies.set(key, tensor);
    // modules_to_save names the end of a module's path, or of that of one around it
    else if (saved.some((module) => key.includes(`${module}.`))) trainedWhole.set(key, tensor);
    else refuse(`the tensor ${key} is not one of LoRA's. Merge the adapter into the model instead.`);
  }
  const modules = new Map<string, LoraModule>();
  for (const [path, { kind, A: a, B: b }] of factors) {
    if (!a || !b || a.shape[0] !== b.shape[1])
      return refuse(`A and B of ${path} do not belong together. Save the adapter again.`);
    modules.set(path, { path, kind, a, b });
  }
  if (modules.size === 0) refuse('the adapter has no LoRA tensors. Choose another folder.');
  return { modules, trainedWhole, copies };
}

/**
 * The content of an adapter whose scale is one throughout: alpha equals the rank everywhere, and modules whose rank is not `rank` stand in
 * rank_pattern and alpha_pattern.
 */
export function writeLora(
  config: Readonly<Record<string, unknown>>,
  rank: number,
  modules: readonly LoraModule[],
): { config: Record<string, unknown>; tensors: Map<string, FloatTensor> } {
  const others = modules.filter(({ a }) => a.shape[0] !== rank).map(({ path, a }) => [path, a.shape[0]] as const);
  const pattern = Object.fromEntries(others);
  const tensors = new Map<string, FloatTensor>();
  for (const { path, kind, a, b } of modules) {
    const [prefix, suffix] = kind === 'embedding' ? ['lora_embedding_', ''] : ['lora_', '.weight'];
    tensors.set(`${keyPrefix}${path}.${prefix}A${suffix}`, a);
    tensors.set(`${keyPrefix}${path}.${prefix}B${suffix}`, b);
  }
  return {
    config: {
      ...config,
      peft_type: 'LORA',
      inference_mode: true,
      r: rank,
      lora_alpha: rank,
      rank_pattern: pattern,
      alpha_pattern: pattern,
      use_rslora: false,
    },
    tensors,
  };
}

/** A = Vᵀ, B = U · diag(values) */
export function factorsOf({ u, values, vt }: Svd): Factors {
  return {
    a: { shape: [vt.rows, vt.columns], data: Float32Array.from(vt.data) },
    b: { shape: [u.rows, u.columns], data: Float32Array.from(u.data, (x, i) => x * (values[i % u.columns] ?? 0)) },
  };
}
