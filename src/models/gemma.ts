import type { Tensor } from '../graph/tensor.ts';
import type { ModelBuilder } from './builder.ts';
import { causalDescription, causalTasks, causalTensorFromFolder } from './causalModel.ts';
import { tablesByPositions } from './constantTables.ts';
import type { GgufTensor, ModelDescription, ModelFamily, ModuleInfo, TaskType } from './family.ts';
import { gemmaConfigFromGguf, readGemmaConfig, type GemmaConfig } from './gemmaConfig.ts';
import { nameFromGguf, type GgufNames } from './ggufNames.ts';
import { resolveTask, type Task } from './heads.ts';
import { linear, norm, table } from './modules.ts';
import { rotaryTable } from './rotary.ts';

/**
 * Gemma, Gemma 2 and the text model of Gemma 3: Llama's blocks with a scaled embedding and norms by 1 + weight. The later two norm what
 * their sublayers give too, and some or most of their layers see a window; Gemma 2 caps scores and logits by a tanh, Gemma 3 norms heads of
 * q and k and has rotary angles for each type of layer. Source: modeling_gemma.py, modeling_gemma2.py and modeling_gemma3.py of Transformers 5.
 */
export const gemma: ModelFamily = {
  name: 'gemma',
  modelTypes: ['gemma', 'gemma2', 'gemma3_text'],
  describe: (json, choice) => {
    const config = readGemmaConfig(json);
    const tasks = tasksOf(config);
    return describe(config, resolveTask(json, tasks, choice), tasks);
  },
  tensorFromFolder: causalTensorFromFolder,
  gguf: { architectures: ['gemma', 'gemma2', 'gemma3'], config: gemmaConfigFromGguf, tensor: tensorFromGguf },
};

/** Transformers has no classifier of tokens for Gemma 3. */
function tasksOf({ modelType }: GemmaConfig): readonly TaskType[] {
  return modelType === 'gemma3_text' ? ['CAUSAL_LM', 'SEQ_CLS'] : causalTasks;
}

/** Transformers' class of each generation's language model, and what its classifiers' names begin with. */
const classes = {
  gemma: ['GemmaForCausalLM', 'GemmaForCausalLM'],
  gemma2: ['Gemma2ForCausalLM', 'Gemma2ForCausalLM'],
  gemma3_text: ['Gemma3ForCausalLM', 'Gemma3TextForCausalLM'],
} as const;

function describe(config: GemmaConfig, task: Task, tasks: readonly TaskType[]): ModelDescription {
  const [causal, classifier] = classes[config.modelType];
  return causalDescription(config, task, {
    family: 'gemma',
    modelType: config.modelType,
    architecture: task.type === 'CAUSAL_LM' ? causal : classifier,
    tasks,
    numKeyValueHeads: config.numKeyValueHeads,
    embeddingPath: 'model.embed_tokens',
    bodyModules: bodyModules(config),
    tokenHead: 'score',
    logitCap: task.type === 'CAUSAL_LM' ? config.logitCap : undefined,
    defaultTargets: defaultTargets(config),
    constants: tablesByPositions((positions) => tablesOf(config, positions)),
    traceBody: (builder, ids) => traceBody(builder, config, ids),
  });
}

/** PEFT's constants.py. Methods that are not named take LoRA's. */
function defaultTargets(config: GemmaConfig): ModelDescription['defaultTargets'] {
  const norms = ['input_layernorm', 'post_attention_layernorm'];
  const inner = normsOutputs(config) ? ['pre_feedforward_layernorm', 'post_feedforward_layernorm'] : [];
  return {
    LORA: { targetModules: ['q_proj', 'v_proj'] },
    IA3: { targetModules: ['q_proj', 'v_proj', 'down_proj'], feedforwardModules: ['down_proj'] },
    LN_TUNING: { targetModules: [...norms, ...inner, 'norm'] },
    BEFT: { targetModules: ['v_proj'] },
  };
}

/** What sublayers give is normed before it joins the stream. */
function normsOutputs({ modelType }: GemmaConfig): boolean {
  return modelType !== 'gemma';
}

function normsHeads({ modelType }: GemmaConfig): boolean {
  return modelType === 'gemma3_text';
}

function bodyModules(config: GemmaConfig): ModuleInfo[] {
  const { hiddenSize, intermediateSize, vocabSize, headDim, attentionBias } = config;
  const queries = config.numAttentionHeads * headDim;
  const keys = config.numKeyValueHeads * headDim;
  const norms = (layer: string, names: readonly string[], width: number) =>
    names.map((name) => norm(`${layer}.${name}`, width, false));
  const layers = Array.from({ length: config.numHiddenLayers }, (_, i) => `model.layers.${i}`);
  return [
    table('model.embed_tokens', vocabSize, hiddenSize),
    ...layers.flatMap((layer) => [
      linear(`${layer}.self_attn.q_proj`, hiddenSize, queries, attentionBias),
      linear(`${layer}.self_attn.k_proj`, hiddenSize, keys, attentionBias),
      linear(`${layer}.self_attn.v_proj`, hiddenSize, keys, attentionBias),
      linear(`${layer}.self_attn.o_proj`, queries, hiddenSize, attentionBias),
      ...(normsHeads(config) ? norms(layer, ['self_attn.q_norm', 'self_attn.k_norm'], headDim) : []),
      linear(`${layer}.mlp.gate_proj`, hiddenSize, intermediateSize, false),
      linear(`${layer}.mlp.up_proj`, hiddenSize, intermediateSize, false),
      linear(`${layer}.mlp.down_proj`, intermediateSize, hiddenSize, false),
      ...norms(layer, ['input_layernorm', 'post_attention_layernorm'], hiddenSize),
      ...(normsOutputs(config)
        ? norms(layer, ['pre_feedforward_layernorm', 'post_feedforward_layernorm'], hiddenSize)
        : []),
    ]),
    norm('model.norm', hiddenSize, false),
  ];
}

/** The rotary angles of each type of layer, and the 1 that norms add to their weights. */
function tablesOf({ ropes, headDim, layerTypes }: GemmaConfig, positions: number) {
  const shape = [positions, headDim / 2, 2];
  const angles = [...new Set(layerTypes)].map(
    (type) => [`rotary.${type}`, { shape, data: rotaryTable(ropes[type], headDim, positions) }] as const,
  );
  return new Map([...angles, ['one', { shape: [1], data: Float32Array.of(1) }] as const]);
}

function traceBody(builder: ModelBuilder, config: GemmaConfig, ids: Tensor): Tensor {
  let hidden = builder.embedTokens('model.embed_tokens', ids, Math.sqrt(config.hiddenSize));
  for (let layer = 0; layer < config.numHiddenLayers; layer++) {
    const input = hidden;
    hidden = builder.layer(layer, () => block(builder, config, layer, input));
  }
  return rmsNorm(builder, config, 'model.norm', hidden);
}

/** x / rms(x) · (1 + weight) */
function rmsNorm(builder: ModelBuilder, { rmsNormEps }: GemmaConfig, path: string, x: Tensor): Tensor {
  const { graph } = builder;
  return graph.scoped(path, () => {
    const operands = [builder.weight(`${path}.weight`), builder.constant('one')];
    return graph.one('rmsNorm', [x, graph.one('binary', operands, { operator: 'add' })], { epsilon: rmsNormEps });
  });
}

function block(builder: ModelBuilder, config: GemmaConfig, layer: number, input: Tensor): Tensor {
  const path = `model.layers.${layer}`;
  const site = { layer, layerPath: path };
  const normed = (name: string, x: Tensor) => rmsNorm(builder, config, `${path}.${name}`, x);
  const behind = (name: string, x: Tensor) => (normsOutputs(config) ? normed(name, x) : x);
  const attended = attention(builder, config, layer, normed('input_layernorm', input));
  const residual = builder.join({
    ...site,
    kind: 'attention',
    residual: input,
    output: behind('post_attention_layernorm', attended),
  });
  const inner = normed(normsOutputs(config) ? 'pre_feedforward_layernorm' : 'post_attention_layernorm', residual);
  const output = behind('post_feedforward_layernorm', mlp(builder, config, path, inner));
  return builder.join({ ...site, kind: 'mlp', residual, output });
}

function attention(builder: ModelBuilder, config: GemmaConfig, layer: number, x: Tensor): Tensor {
  const path = `model.layers.${layer}.self_attn`;
  const { batch, tokens, graph } = builder;
  const { headDim, numAttentionHeads, numKeyValueHeads, attentionScale, attentionCap, slidingWindow } = config;
  const type = config.layerTypes[layer] ?? 'full_attention';
  const rotary = builder.constant(`rotary.${type}`);
  const heads = (projection: string, count: number) =>
    builder.reshape(builder.linear(`${path}.${projection}`, x), [batch, tokens, count, headDim]);
  const rotated = (name: string, count: number) => {
    const value = heads(`${name}_proj`, count);
    const normed = normsHeads(config) ? rmsNorm(builder, config, `${path}.${name}_norm`, value) : value;
    return graph.one('rope', [normed, rotary], { offset: builder.positionOffset });
  };
  const q = rotated('q', numAttentionHeads);
  const k = rotated('k', numKeyValueHeads);
  const v = heads('v_proj', numKeyValueHeads);
  const window = type === 'sliding_attention' ? slidingWindow : 0;
  const output = graph.scoped(`${path}.attention`, () =>
    builder.attention(layer, q, k, v, { causal: true, window, scale: attentionScale, cap: attentionCap }),
  );
  return builder.linear(`${path}.o_proj`, builder.reshape(output, [batch, tokens, numAttentionHeads * headDim]));
}

function mlp(builder: ModelBuilder, { hiddenAct }: GemmaConfig, path: string, x: Tensor): Tensor {
  const gate = builder.linear(`${path}.mlp.gate_proj`, x);
  const up = builder.linear(`${path}.mlp.up_proj`, x);
  const inner = builder.graph.scoped(`${path}.mlp`, () =>
    builder.graph.one('gatedActivation', [gate, up], { activation: hiddenAct }),
  );
  return builder.linear(`${path}.mlp.down_proj`, inner);
}

const attentionAndMlp = {
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
  attn_norm: 'input_layernorm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
};

const ggufNames: GgufNames = {
  outside: { token_embd: 'model.embed_tokens', output_norm: 'model.norm', output: 'lm_head' },
  layers: 'model.layers',
  inside: { ...attentionAndMlp, ffn_norm: 'post_attention_layernorm' },
};

const laterGgufNames: GgufNames = {
  ...ggufNames,
  inside: {
    ...attentionAndMlp,
    attn_q_norm: 'self_attn.q_norm',
    attn_k_norm: 'self_attn.k_norm',
    post_attention_norm: 'post_attention_layernorm',
    ffn_norm: 'pre_feedforward_layernorm',
    post_ffw_norm: 'post_feedforward_layernorm',
  },
};

/** llama.cpp's norms do not add 1 to their weights: its files have it in them (convert_hf_to_gguf.py). */
function tensorFromGguf(tensor: string, { modelType }: ModelDescription): GgufTensor | undefined {
  const known = nameFromGguf(tensor, modelType === 'gemma' ? ggufNames : laterGgufNames);
  return known?.stored.endsWith('norm') ? { name: known.name, surplus: 1 } : known;
}
