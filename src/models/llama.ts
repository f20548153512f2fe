import type { Tensor } from '../graph/tensor.ts';
import type { ModelBuilder } from './builder.ts';
import type { ModelDescription, ModelFamily, ModuleInfo } from './family.ts';
import { llamaConfigFromGguf, readLlamaConfig, type LlamaConfig } from './llamaConfig.ts';
import { architectureFor, headModule, lastRows, resolveTask, type Task } from './heads.ts';
import { linear, norm, table } from './modules.ts';
import { rotaryConstants } from './rotary.ts';

/**
 * Llama 2 and 3, SmolLM2, Mistral, Qwen2, Qwen2.5 and Qwen3: pre-norm blocks of grouped-query attention with rotary embedding and a
 * gated MLP. Source: modeling_llama.py, modeling_mistral.py, modeling_qwen2.py and modeling_qwen3.py of Transformers 5.
 */
export const llama: ModelFamily = {
  name: 'llama',
  modelTypes: ['llama', 'mistral', 'qwen2', 'qwen3'],
  ggufArchitectures: ['llama', 'qwen2', 'qwen3'],
  describe: (config, choice) => describe(readLlamaConfig(config), resolveTask(config, tasks, choice)),
  configFromGguf: llamaConfigFromGguf,
  tensorFromGguf,
};

const tasks = ['CAUSAL_LM', 'SEQ_CLS', 'TOKEN_CLS'] as const;

function describe(config: LlamaConfig, task: Task): ModelDescription {
  const isCausal = task.type === 'CAUSAL_LM';
  return {
    family: 'llama',
    task: task.type,
    tasks,
    outputSize: task.outputSize,
    problemType: task.problemType,
    labelNames: task.labelNames,
    modelType: config.modelType,
    architecture: architectureFor(config.architecture, task.type),
    vocabSize: config.vocabSize,
    hiddenSize: config.hiddenSize,
    numHiddenLayers: config.numHiddenLayers,
    maxPositionEmbeddings: config.maxPositionEmbeddings,
    numKeyValueHeads: config.numKeyValueHeads,
    headDim: config.headDim,
    tieWordEmbeddings: isCausal && config.tieWordEmbeddings,
    embeddingPath: 'model.embed_tokens',
    headPath: isCausal ? 'lm_head' : 'score',
    modules: modulesOf(config, task),
    defaultTargets: defaultTargets(config.modelType),
    eosTokenIds: config.eosTokenIds,
    bosTokenId: config.bosTokenId,
    padTokenId: config.padTokenId,
    constants: rotaryConstants(config),
    traceBody: (builder, ids) => traceBody(builder, config, ids),
    pool: task.type === 'SEQ_CLS' ? lastRows : undefined,
  };
}

/** PEFT's constants.py: TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING and its kin. Qwen3 has no IA³ entry of its own: it takes Qwen2's. */
function defaultTargets(modelType: string): ModelDescription['defaultTargets'] {
  const isQwen = modelType.startsWith('qwen');
  return {
    LORA: { targetModules: ['q_proj', 'v_proj'] },
    LN_TUNING: {
      targetModules: isQwen ? ['post_attention_layernorm'] : ['input_layernorm', 'post_attention_layernorm', 'norm'],
    },
    BEFT: { targetModules: ['v_proj'] },
    IA3: { targetModules: [isQwen ? 'q_proj' : 'k_proj', 'v_proj', 'down_proj'], feedforwardModules: ['down_proj'] },
  };
}

function modulesOf(config: LlamaConfig, task: Task): ModuleInfo[] {
  const { hiddenSize, intermediateSize, vocabSize, headDim } = config;
  const queries = config.numAttentionHeads * headDim;
  const keys = config.numKeyValueHeads * headDim;
  const layers = Array.from({ length: config.numHiddenLayers }, (_, i) => `model.layers.${i}`).flatMap((layer) => [
    linear(`${layer}.self_attn.q_proj`, hiddenSize, queries, config.qkvBias),
    linear(`${layer}.self_attn.k_proj`, hiddenSize, keys, config.qkvBias),
    linear(`${layer}.self_attn.v_proj`, hiddenSize, keys, config.qkvBias),
    linear(`${layer}.self_attn.o_proj`, queries, hiddenSize, config.outputBias),
    ...(config.headNorm
      ? [norm(`${layer}.self_attn.q_norm`, headDim, false), norm(`${layer}.self_attn.k_norm`, headDim, false)]
      : []),
    linear(`${layer}.mlp.gate_proj`, hiddenSize, intermediateSize, config.mlpBias),
    linear(`${layer}.mlp.up_proj`, hiddenSize, intermediateSize, config.mlpBias),
    linear(`${layer}.mlp.down_proj`, intermediateSize, hiddenSize, config.mlpBias),
    norm(`${layer}.input_layernorm`, hiddenSize, false),
    norm(`${layer}.post_attention_layernorm`, hiddenSize, false),
  ]);
  return [
    table('model.embed_tokens', vocabSize, hiddenSize),
    ...layers,
    norm('model.norm', hiddenSize, false),
    task.type === 'CAUSAL_LM'
      ? linear('lm_head', hiddenSize, vocabSize, false)
      : headModule('score', hiddenSize, task, task.type === 'TOKEN_CLS'),
  ];
}

function traceBody(builder: ModelBuilder, config: LlamaConfig, ids: Tensor): Tensor {
  const { rmsNormEps } = config;
  let hidden = builder.embedTokens('model.embed_tokens', ids);
  for (let layer = 0; layer < config.numHiddenLayers; layer++) {
    const path = `model.layers.${layer}`;
    const input = hidden;
    hidden = builder.layer(layer, () => {
      const attended = attention(builder, config, layer, builder.rmsNorm(`${path}.input_layernorm`, input, rmsNormEps));
      const site = { layer, layerPath: path };
      const residual = builder.join({ ...site, kind: 'attention', residual: input, output: attended });
      const normed = builder.rmsNorm(`${path}.post_attention_layernorm`, residual, rmsNormEps);
      return builder.join({ ...site, kind: 'mlp', residual, output: mlp(builder, config, path, normed) });
    });
  }
  return builder.rmsNorm('model.norm', hidden, rmsNormEps);
}

function attention(builder: ModelBuilder, config: LlamaConfig, layer: number, x: Tensor): Tensor {
  const path = `model.layers.${layer}.self_attn`;
  const { batch, tokens, graph } = builder;
  const { headDim } = config;
  const heads = (projection: string, count: number) =>
    builder.reshape(builder.linear(`${path}.${projection}`, x), [batch, tokens, count, headDim]);
  const normed = (norm: string, value: Tensor) =>
    config.headNorm ? builder.rmsNorm(`${path}.${norm}`, value, config.rmsNormEps) : value;
  const rotary = builder.constant('rotary');
  const rotated = (value: Tensor) => graph.one('rope', [value, rotary], { offset: builder.positionOffset });
  const q = rotated(normed('q_norm', heads('q_proj', config.numAttentionHeads)));
  const k = rotated(normed('k_norm', heads('k_proj', config.numKeyValueHeads)));
  const v = heads('v_proj', config.numKeyValueHeads);
  const output = graph.scoped(`${path}.attention`, () =>
    builder.attention(layer, q, k, v, {
      causal: true,
      window: config.slidingWindow(layer),
      scale: 1 / Math.sqrt(headDim),
    }),
  );
  return builder.linear(`${path}.o_proj`, builder.reshape(output, [batch, tokens, config.numAttentionHeads * headDim]));
}

function mlp(builder: ModelBuilder, config: LlamaConfig, path: string, x: Tensor): Tensor {
  const gate = builder.linear(`${path}.mlp.gate_proj`, x);
  const up = builder.linear(`${path}.mlp.up_proj`, x);
  const inner = builder.graph.scoped(`${path}.mlp`, () =>
    builder.graph.one('gatedActivation', [gate, up], { activation: config.hiddenAct }),
  );
  return builder.linear(`${path}.mlp.down_proj`, inner);
}

const ggufModules: Readonly<Record<string, string>> = {
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
  attn_q_norm: 'self_attn.q_norm',
  attn_k_norm: 'self_attn.k_norm',
  attn_norm: 'input_layernorm',
  ffn_norm: 'post_attention_layernorm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
};

function tensorFromGguf(name: string, description: ModelDescription): ReturnType<ModelFamily['tensorFromGguf']> {
  if (name === 'token_embd.weight') return { name: 'model.embed_tokens.weight' };
  if (name === 'output_norm.weight') return { name: 'model.norm.weight' };
  if (name === 'output.weight') return { name: 'lm_head.weight' };
  const match = /^blk\.(\d+)\.([a-z_]+)\.(weight|bias)$/.exec(name);
  const module = match?.[2] && ggufModules[match[2]];
  if (!match || !module) return undefined;
  // llama.cpp stores q and k of Llama and Mistral with each head's two halves interleaved (convert_hf_to_gguf.py, permute)
  const isPermuted = /q_proj|k_proj/.test(module) && !description.modelType.startsWith('qwen');
  const half = description.headDim / 2;
  return {
    name: `model.layers.${match[1]}.${module}.${match[3]}`,
    rowOrder: isPermuted
      ? (row) => Math.floor(row / (2 * half)) * 2 * half + 2 * (row % half) + Math.floor((row % (2 * half)) / half)
      : undefined,
  };
}
