/** AdapterHub's LoRA and (IA)³ folders as PEFT's: the same numbers under other names. */
import { baseModelOf, type AdapterFolder } from './adapterContent.ts';
import { UserError } from './errors.ts';
import type { FloatTensor } from './floatTensors.ts';

type Config = Readonly<Record<string, unknown>>;

/** True for the config inside adapter_config.json of a LoRA or (IA)³. */
export function isAdapterHubLora(inner: Config): boolean {
  return inner['architecture'] === 'lora';
}

/** The folder that PEFT would have saved. Throws a UserError for what PEFT's LoRA and (IA)³ cannot say. */
export function asPeftFolder({ config, tensors }: AdapterFolder): AdapterFolder {
  const inner = config['config'] as Config;
  const unread = ['use_gating', 'use_dora', 'vera_d', 'vera_b'].find(
    (key) => inner[key] != null && inner[key] !== false,
  );
  if (unread !== undefined)
    throw new UserError(
      `adapter_config.json: ${unread}: ${JSON.stringify(inner[unread])} of AdapterHub's LoRA is not read. Use an adapter without it.`,
    );
  const isScale = inner['composition_mode'] === 'scale';
  const renamed = new Map<string, FloatTensor>();
  const targets = new Set<string>();
  for (const [key, tensor] of tensors) {
    const match = /^(.+)\.loras\.[^.]+\.lora_([AB])$/.exec(key);
    if (!match?.[1]) {
      renamed.set(`base_model.model.${key}`, tensor);
      continue;
    }
    targets.add(match[1]);
    if (!isScale) checkRank(key, match[2] === 'A' ? tensor.shape[0] : tensor.shape[1], inner['r']);
    const name = isScale ? 'ia3_l' : `lora_${match[2]}.weight`;
    renamed.set(`base_model.model.${match[1]}.${name}`, isScale ? scaled(tensor, inner['alpha']) : tensor);
  }
  const common = {
    task_type: taskOf(String(config['model_class'])),
    base_model_name_or_path: baseModelOf(config) || null,
    target_modules: [...targets],
  };
  if (isScale)
    return {
      config: { ...common, peft_type: 'IA3', feedforward_modules: [] },
      tensors: withoutHead(renamed, common.task_type),
    };
  const { r, alpha, dropout } = inner;
  return {
    config: { ...common, peft_type: 'LORA', r, lora_alpha: alpha, lora_dropout: dropout },
    tensors: withoutHead(renamed, common.task_type),
  };
}

/** A layer of queries, keys and values in one (GPT-2) has a LoRA of its own for each of them: PEFT has one for the whole. */
function checkRank(key: string, found: number | undefined, rank: unknown): void {
  if (found !== rank)
    throw new UserError(
      `${key} has rank ${found}, and r is ${String(rank)}: it is one of several LoRAs of a fused layer, which PEFT's LoRA cannot say. Use an adapter for other layers.`,
    );
}

/** AdapterHub multiplies the factors of (IA)³ by alpha. */
function scaled({ shape, data }: FloatTensor, alpha: unknown): FloatTensor {
  return { shape, data: data.map((value) => value * (typeof alpha === 'number' ? alpha : 1)) };
}

/** The head of a language model is saved as it was: AdapterHub does not train it. */
function withoutHead(tensors: ReadonlyMap<string, FloatTensor>, task: string): Map<string, FloatTensor> {
  const isHead = (key: string) => task.endsWith('_LM') && !/\.(lora_[AB]\.weight|ia3_l)$/.test(key);
  return new Map([...tensors].filter(([key]) => !isHead(key)));
}

function taskOf(modelClass: string): string {
  if (modelClass.endsWith('ForSequenceClassification')) return 'SEQ_CLS';
  if (modelClass.endsWith('ForTokenClassification')) return 'TOKEN_CLS';
  return modelClass.endsWith('ForConditionalGeneration') ? 'SEQ_2_SEQ_LM' : 'CAUSAL_LM';
}
