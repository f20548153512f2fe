import { UserError } from '../../formats/errors.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { AdapterHooks, HookTrace } from '../../models/hooks.ts';
import type { ModelDescription } from '../../models/family.ts';
import type { Adapter, CheckpointFacts, MethodFields, ParameterSpec } from '../method.ts';
import { keyPrefix, modulesToSaveField, replacement, savedModules, taskHeads } from '../savedModules.ts';
import { integerField, optionalIntegerField, type FieldSchema } from '../schema.ts';

/** The one tensor of every prompt method's file: what the model reads, one row a virtual token. */
export const embeddingsKey = 'prompt_embeddings';

/** The field that all prompt methods share, and modules_to_save. */
export const promptFields: readonly FieldSchema[] = [
  integerField({
    name: 'num_virtual_tokens',
    label: 'Virtual tokens',
    help: 'Learned positions in front of every row: 20 to 100 are usual, and each takes one of the model’s positions.',
    default: 20,
    minimum: 1,
    maximum: 8192,
  }),
  optionalIntegerField({
    name: 'num_transformer_submodules',
    label: 'Stacks of the model',
    help: 'How often the virtual tokens are there: 2 on a model of an encoder and a decoder, as PEFT has it where nothing is given, else 1.',
    minimum: 1,
    maximum: 2,
    advanced: true,
  }),
  modulesToSaveField,
];

/** What makes the virtual tokens: its parameters, and its trace, [tokens, width]. */
export interface VirtualTokens {
  readonly parameters: readonly ParameterSpec[];
  embeddings(trace: HookTrace): Tensor;
}

/** Virtual tokens that are trained as they are: the tensor of the file itself. */
export function trainedAsTheyAre(
  tokens: number,
  width: number,
  initial: ParameterSpec['initial'] = { kind: 'normal', std: 1 },
): VirtualTokens {
  const spec: ParameterSpec = { name: embeddingsKey, shape: [tokens, width], initial };
  return { parameters: [spec], embeddings: ({ graph }) => graph.parameter(spec.name, spec.shape) };
}

/** num_virtual_tokens, or a UserError where the model reads no text or they leave it no room for a row. */
export function tokenCount(fields: MethodFields, { description }: CheckpointFacts): number {
  if (description.image)
    throw new UserError(
      `Virtual tokens stand in front of a text, and this ${description.modelType} model reads images. LORA works on it.`,
    );
  const tokens = fields['num_virtual_tokens'] as number;
  const most = description.maxPositionEmbeddings - 2;
  if (tokens > most)
    throw new UserError(
      `num_virtual_tokens: ${tokens} leave no room for a row in the ${description.maxPositionEmbeddings} positions of this model (max_position_embeddings). Give ${Math.min(most, 20)} or fewer.`,
    );
  return tokens;
}

/**
 * num_transformer_submodules, as PEFT takes it where nothing is given. Throws a UserError where the model has not so many stacks.
 */
export function submodulesOf(fields: MethodFields, { description }: CheckpointFacts): number {
  const most = description.stacks ? 2 : 1;
  const given = fields['num_transformer_submodules'] as number | null;
  if (given !== null && given > most)
    throw new UserError(
      `num_transformer_submodules: ${given} is for models of an encoder and a decoder, and this ${description.modelType} model has one stack. Leave it out.`,
    );
  return given ?? most;
}

/**
 * Rows of the embeddings of a prompt. Beside an encoder PEFT makes as many again for the decoder, and leaves them unread
 * (PeftModelForSeq2SeqLM.forward): only an LSTM looks at them.
 */
export function promptRows(fields: MethodFields, model: CheckpointFacts): number {
  return tokenCount(fields, model) * submodulesOf(fields, model);
}

/** The first of the virtual tokens, in front of the input embeddings. */
export function asPrompt(tokens: number, { embeddings }: VirtualTokens): Pick<AdapterHooks, 'prompt'> {
  return {
    prompt: {
      tokens,
      embeddings(trace) {
        const rows = embeddings(trace);
        return rows.shape[0] === tokens ? rows : trace.graph.one('slice', [rows], { axis: 0, start: 0, size: tokens });
      },
    },
  };
}

/**
 * What every prompt method has beside its virtual tokens. PEFT puts the whole model under base_model, so that keys of modules trained
 * whole have one "model." less than a tuner's, and it names a task's heads twice (peft_model.py).
 * @param config what adapter_config.json says otherwise than for prompt tuning
 */
export function promptAdapter(
  peftType: string,
  fields: MethodFields,
  model: CheckpointFacts,
  parts: {
    readonly virtual: VirtualTokens;
    readonly hooks: Pick<AdapterHooks, 'prompt' | 'prefix'>;
    readonly config?: Readonly<Record<string, unknown>>;
  },
): Adapter {
  const { description } = model;
  const names = fields['modules_to_save'] as string[] | null;
  const saved = new Map(
    [...savedModules(description, names)].map(([tensor, spec]) => [
      tensor,
      { ...spec, name: spec.name.replace(keyPrefix, 'base_model.') },
    ]),
  );
  return {
    peftType,
    parameters: [...parts.virtual.parameters, ...saved.values()],
    hooks: { ...parts.hooks, replaces: replacement(saved) },
    config: {
      peft_type: peftType,
      task_type: model.taskType,
      base_model_name_or_path: model.baseModelName,
      inference_mode: true,
      num_layers: description.stacks?.encoder ?? description.numHiddenLayers,
      token_dim: description.hiddenSize,
      ...headsForPeft(description),
      ...fields,
      num_transformer_submodules: submodulesOf(fields, model),
      ...parts.config,
      modules_to_save: namesToSave(description, names ?? []),
    },
    baseTensors: new Map(),
    ignoresKey: () => false,
  };
}

/** PEFT looks for the number of heads under other names than DistilBERT's config has, and loads no prompt without it. */
function headsForPeft({ modelType, numKeyValueHeads }: ModelDescription): Readonly<Record<string, number>> {
  return modelType === 'distilbert' ? { num_attention_heads: numKeyValueHeads } : {};
}

function namesToSave(description: ModelDescription, given: readonly string[]): readonly string[] | null {
  const heads = taskHeads(description);
  const names = [...given.filter((name) => !heads.includes(name)), ...heads, ...heads];
  return names.length > 0 ? names : null;
}
