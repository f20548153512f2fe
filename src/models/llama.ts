import type { Tensor } from '../graph/tensor.ts';
import type { ModelBuilder } from './builder.ts';
import { causalDescription, causalTasks, causalTensorFromFolder } from './causalModel.ts';
import type { GgufTensor, ModelDescription, ModelFamily, ModuleInfo } from './family.ts';
import { nameFromGguf, type GgufNames } from './ggufNames.ts';
import { resolveTask, type Task } from './heads.ts';
import { llamaConfigFromGguf, readLlamaConfig, type LlamaConfig } from './llamaConfig.ts';
import { linear, norm, table } from './modules.ts';
import { rotaryConstants } from './rotary.ts';

/**
 * Llama 2 and 3, SmolLM2, Mistral, Qwen2, Qwen2.5 and Qwen3: pre-norm blocks of grouped-query attention with rotary embedding and a
 * gated MLP. Source: modeling_llama.py, modeling_mistral.py, modeling_qwen2.py and modeling_qwen3.py of Transformers 5.
 */
export const llama: ModelFamily = {
  name: 'llama',
  modelTypes: ['llama', 'mistral', 'qwen2', 'qwen3'],
  describe: (config, choice) => describe(readLlamaConfig(config), resolveTask(config, causalTasks, choice)),
  tensorFromFolder: causalTensorFromFolder,
  gguf: { architectures: ['llama', 'qwen2', 'qwen3'], config: llamaConfigFromGguf, tensor: tensorFromGguf },
};

function describe(config: LlamaConfig, task: Task): ModelDescription {
  return causalDescription(config, task, {
    family: 'llama',
    modelType: config.modelType,
    architecture: config.architecture,
    numKeyValueHeads: config.numKeyValueHeads,
    embeddingPath: 'model.embed_tokens',
    bodyModules: bodyModules(config),
    tokenHead: 'score',
    defaultTargets: defaultTargets(config.modelType),
    constants: rotaryConstants(config),
    traceBody: (builder, ids) => traceBody(builder, config, ids),
  });
}

/** PEFT's constants.py: TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING and its kin. Methods that are not named take LoRA's. */
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

function bodyModules(config: LlamaConfig): ModuleInfo[] {
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
  return [table('model.embed_tokens', vocabSize, hiddenSize), ...layers, norm('model.norm', hiddenSize, false)];
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

const ggufNames: GgufNames = {
  outside: { token_embd: 'model.embed_tokens', output_norm: 'model.norm', output: 'lm_head' },
  layers: 'model.layers',
  inside: {
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
  },
};

/** llama.cpp stores q and k of Llama and Mistral with each head's two halves interleaved (convert_hf_to_gguf.py, permute). */
function tensorFromGguf(tensor: string, { modelType, headDim }: ModelDescription): GgufTensor | undefined {
  const known = nameFromGguf(tensor, ggufNames);
  const isPermuted = (known?.stored === 'attn_q' || known?.stored === 'attn_k') && !modelType.startsWith('qwen');
  const half = headDim / 2;
  const interleaved = (row: number) =>
    Math.floor(row / headDim) * headDim + 2 * (row % half) + Math.floor((row % headDim) / half);
  return known && isPermuted ? { name: known.name, rowOrder: interleaved } : known;
}
