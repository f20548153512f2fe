import type { Tensor } from '../graph/tensor.ts';
import type { ModelBuilder } from './builder.ts';
import { causalDescription, causalTasks, causalTensorFromFolder } from './causalModel.ts';
import type { ModelDescription, ModelFamily, ModuleInfo } from './family.ts';
import { nameFromGguf, type GgufNames } from './ggufNames.ts';
import { resolveTask, type Task } from './heads.ts';
import { linear, norm, table } from './modules.ts';
import { phi3ConfigFromGguf, readPhi3Config, type Phi3Config } from './phi3Config.ts';
import { rotaryConstants } from './rotary.ts';

/**
 * Phi-3 of short context: Llama's blocks with q, k and v from one linear and the gate and its partner from another. Source:
 * modeling_phi3.py of Transformers 5.
 */
export const phi3: ModelFamily = {
  name: 'phi3',
  modelTypes: ['phi3'],
  describe: (config, choice) => describe(readPhi3Config(config), resolveTask(config, causalTasks, choice)),
  tensorFromFolder: causalTensorFromFolder,
  gguf: { architectures: ['phi3'], config: phi3ConfigFromGguf, tensor: (name) => nameFromGguf(name, ggufNames) },
};

function describe(config: Phi3Config, task: Task): ModelDescription {
  return causalDescription(config, task, {
    family: 'phi3',
    modelType: 'phi3',
    architecture: 'Phi3ForCausalLM',
    numKeyValueHeads: config.numKeyValueHeads,
    embeddingPath: 'model.embed_tokens',
    bodyModules: bodyModules(config),
    tokenHead: 'score',
    defaultTargets,
    constants: rotaryConstants(config),
    traceBody: (builder, ids) => traceBody(builder, config, ids),
  });
}

/** PEFT's constants.py has no phi3: here what it gives to other models of fused projections and to Llama. */
const defaultTargets: ModelDescription['defaultTargets'] = {
  LORA: { targetModules: ['qkv_proj'] },
  IA3: { targetModules: ['qkv_proj', 'down_proj'], feedforwardModules: ['down_proj'] },
  LN_TUNING: { targetModules: ['input_layernorm', 'post_attention_layernorm', 'norm'] },
};

function bodyModules(config: Phi3Config): ModuleInfo[] {
  const { hiddenSize, intermediateSize, vocabSize, headDim, numAttentionHeads, numKeyValueHeads } = config;
  const layers = Array.from({ length: config.numHiddenLayers }, (_, i) => `model.layers.${i}`);
  const queries = numAttentionHeads * headDim;
  return [
    table('model.embed_tokens', vocabSize, hiddenSize),
    ...layers.flatMap((layer) => [
      linear(`${layer}.self_attn.o_proj`, queries, hiddenSize, false),
      linear(`${layer}.self_attn.qkv_proj`, hiddenSize, queries + 2 * numKeyValueHeads * headDim, false),
      linear(`${layer}.mlp.gate_up_proj`, hiddenSize, 2 * intermediateSize, false),
      linear(`${layer}.mlp.down_proj`, intermediateSize, hiddenSize, false),
      norm(`${layer}.input_layernorm`, hiddenSize, false),
      norm(`${layer}.post_attention_layernorm`, hiddenSize, false),
    ]),
    norm('model.norm', hiddenSize, false),
  ];
}

function traceBody(builder: ModelBuilder, config: Phi3Config, ids: Tensor): Tensor {
  const { rmsNormEps } = config;
  let hidden = builder.embedTokens('model.embed_tokens', ids);
  for (let layer = 0; layer < config.numHiddenLayers; layer++) {
    const path = `model.layers.${layer}`;
    const site = { layer, layerPath: path };
    const input = hidden;
    hidden = builder.layer(layer, () => {
      const output = attention(builder, config, layer, builder.rmsNorm(`${path}.input_layernorm`, input, rmsNormEps));
      const residual = builder.join({ ...site, kind: 'attention', residual: input, output });
      const normed = builder.rmsNorm(`${path}.post_attention_layernorm`, residual, rmsNormEps);
      return builder.join({ ...site, kind: 'mlp', residual, output: mlp(builder, config, path, normed) });
    });
  }
  return builder.rmsNorm('model.norm', hidden, rmsNormEps);
}

function attention(builder: ModelBuilder, config: Phi3Config, layer: number, x: Tensor): Tensor {
  const path = `model.layers.${layer}.self_attn`;
  const { batch, tokens, graph } = builder;
  const { headDim, numAttentionHeads, numKeyValueHeads, slidingWindow } = config;
  const fused = builder.linear(`${path}.qkv_proj`, x);
  const rotary = builder.constant('rotary');
  const output = graph.scoped(`${path}.attention`, () => {
    const heads = (firstHead: number, count: number) => {
      const part = graph.one('slice', [fused], { axis: 2, start: firstHead * headDim, size: count * headDim });
      return builder.reshape(part, [batch, tokens, count, headDim]);
    };
    const rotated = (value: Tensor) => graph.one('rope', [value, rotary], { offset: builder.positionOffset });
    const q = rotated(heads(0, numAttentionHeads));
    const k = rotated(heads(numAttentionHeads, numKeyValueHeads));
    const v = heads(numAttentionHeads + numKeyValueHeads, numKeyValueHeads);
    const attributes = { causal: true, window: slidingWindow, scale: 1 / Math.sqrt(headDim) };
    return builder.attention(layer, q, k, v, attributes);
  });
  return builder.linear(`${path}.o_proj`, builder.reshape(output, [batch, tokens, numAttentionHeads * headDim]));
}

function mlp(builder: ModelBuilder, config: Phi3Config, path: string, x: Tensor): Tensor {
  const { intermediateSize: size, hiddenAct: activation } = config;
  const fused = builder.linear(`${path}.mlp.gate_up_proj`, x);
  const inner = builder.graph.scoped(`${path}.mlp`, () => {
    const half = (start: number) => builder.graph.one('slice', [fused], { axis: 2, start, size });
    return builder.graph.one('gatedActivation', [half(0), half(size)], { activation });
  });
  return builder.linear(`${path}.mlp.down_proj`, inner);
}

/** llama.cpp keeps the fused linears as they are. */
const ggufNames: GgufNames = {
  outside: { token_embd: 'model.embed_tokens', output_norm: 'model.norm', output: 'lm_head' },
  layers: 'model.layers',
  inside: {
    attn_norm: 'input_layernorm',
    attn_qkv: 'self_attn.qkv_proj',
    attn_output: 'self_attn.o_proj',
    ffn_norm: 'post_attention_layernorm',
    ffn_up: 'mlp.gate_up_proj',
    ffn_down: 'mlp.down_proj',
  },
};
