import type { Tensor } from '../graph/tensor.ts';
import { alibiTable } from './alibi.ts';
import { bloomConfigFromGguf, readBloomConfig, type BloomConfig } from './bloomConfig.ts';
import type { ModelBuilder } from './builder.ts';
import { causalDescription, causalTasks, causalTensorFromFolder } from './causalModel.ts';
import { tablesByPositions } from './constantTables.ts';
import type { GgufTensor, ModelDescription, ModelFamily, ModuleInfo } from './family.ts';
import { nameFromGguf, type GgufNames } from './ggufNames.ts';
import { resolveTask, type Task } from './heads.ts';
import { linear, norm, table } from './modules.ts';

/**
 * BLOOM: pre-norm blocks without positions but for ALiBi, a norm behind the embedding, and q, k and v from one linear, whose rows come
 * head by head. Source: modeling_bloom.py of Transformers 5.
 */
export const bloom: ModelFamily = {
  name: 'bloom',
  modelTypes: ['bloom'],
  describe: (config, choice) => describe(readBloomConfig(config), resolveTask(config, causalTasks, choice)),
  tensorFromFolder: causalTensorFromFolder,
  gguf: { architectures: ['bloom'], config: bloomConfigFromGguf, tensor: tensorFromGguf },
};

function describe(config: BloomConfig, task: Task): ModelDescription {
  return causalDescription(config, task, {
    family: 'bloom',
    modelType: 'bloom',
    architecture: 'BloomForCausalLM',
    numKeyValueHeads: config.numAttentionHeads,
    embeddingPath: 'transformer.word_embeddings',
    bodyModules: bodyModules(config),
    tokenHead: 'classifier',
    defaultTargets,
    constants: tablesByPositions((positions) => new Map([['alibi', alibiTable(config.numAttentionHeads, positions)]])),
    traceBody: (builder, ids) => traceBody(builder, config, ids),
  });
}

/** PEFT's constants.py. Methods that are not named take LoRA's. */
const defaultTargets: ModelDescription['defaultTargets'] = {
  LORA: { targetModules: ['query_key_value'] },
  IA3: { targetModules: ['query_key_value', 'mlp.dense_4h_to_h'], feedforwardModules: ['mlp.dense_4h_to_h'] },
  LN_TUNING: { targetModules: ['input_layernorm', 'post_attention_layernorm', 'ln_f'] },
};

function bodyModules({ hiddenSize, vocabSize, numHiddenLayers }: BloomConfig): ModuleInfo[] {
  const layers = Array.from({ length: numHiddenLayers }, (_, i) => `transformer.h.${i}`);
  return [
    table('transformer.word_embeddings', vocabSize, hiddenSize),
    norm('transformer.word_embeddings_layernorm', hiddenSize),
    ...layers.flatMap((layer) => [
      norm(`${layer}.input_layernorm`, hiddenSize),
      linear(`${layer}.self_attention.query_key_value`, hiddenSize, 3 * hiddenSize),
      linear(`${layer}.self_attention.dense`, hiddenSize, hiddenSize),
      norm(`${layer}.post_attention_layernorm`, hiddenSize),
      linear(`${layer}.mlp.dense_h_to_4h`, hiddenSize, 4 * hiddenSize),
      linear(`${layer}.mlp.dense_4h_to_h`, 4 * hiddenSize, hiddenSize),
    ]),
    norm('transformer.ln_f', hiddenSize),
  ];
}

function traceBody(builder: ModelBuilder, config: BloomConfig, ids: Tensor): Tensor {
  const { layerNormEpsilon, numHiddenLayers } = config;
  const words = builder.embedTokens('transformer.word_embeddings', ids);
  let hidden = builder.layerNorm('transformer.word_embeddings_layernorm', words, layerNormEpsilon);
  for (let layer = 0; layer < numHiddenLayers; layer++) {
    const input = hidden;
    hidden = builder.layer(layer, () => block(builder, config, layer, input));
  }
  return builder.layerNorm('transformer.ln_f', hidden, layerNormEpsilon);
}

function block(builder: ModelBuilder, config: BloomConfig, layer: number, input: Tensor): Tensor {
  const path = `transformer.h.${layer}`;
  const { layerNormEpsilon, normsResidual } = config;
  const site = { layer, layerPath: path };
  const normed = builder.layerNorm(`${path}.input_layernorm`, input, layerNormEpsilon);
  const attended = builder.join({
    ...site,
    kind: 'attention',
    residual: normsResidual ? normed : input,
    output: attention(builder, config, layer, normed),
  });
  const normedAgain = builder.layerNorm(`${path}.post_attention_layernorm`, attended, layerNormEpsilon);
  return builder.join({
    ...site,
    kind: 'mlp',
    residual: normsResidual ? normedAgain : attended,
    output: mlp(builder, path, normedAgain),
  });
}

function attention(builder: ModelBuilder, config: BloomConfig, layer: number, x: Tensor): Tensor {
  const path = `transformer.h.${layer}.self_attention`;
  const { batch, tokens, graph } = builder;
  const { hiddenSize, numAttentionHeads, headDim } = config;
  const fused = builder.linear(`${path}.query_key_value`, x);
  const output = graph.scoped(`${path}.attention`, () => {
    const byHead = builder.reshape(fused, [batch, tokens, numAttentionHeads, 3, headDim]);
    const third = (start: number) => {
      const part = graph.one('slice', [byHead], { axis: 3, start, size: 1 });
      return builder.reshape(part, [batch, tokens, numAttentionHeads, headDim]);
    };
    const attributes = { causal: true, window: 0, scale: 1 / Math.sqrt(headDim) };
    return builder.attention(layer, third(0), third(1), third(2), attributes, builder.constant('alibi'));
  });
  return builder.linear(`${path}.dense`, builder.reshape(output, [batch, tokens, hiddenSize]));
}

/** BloomGelu is the tanh form. */
function mlp(builder: ModelBuilder, path: string, x: Tensor): Tensor {
  const up = builder.linear(`${path}.mlp.dense_h_to_4h`, x);
  const inner = builder.graph.scoped(`${path}.mlp`, () =>
    builder.graph.one('activation', [up], { activation: 'gelu_tanh' }),
  );
  return builder.linear(`${path}.mlp.dense_4h_to_h`, inner);
}

const ggufNames: GgufNames = {
  outside: {
    token_embd: 'transformer.word_embeddings',
    token_embd_norm: 'transformer.word_embeddings_layernorm',
    output_norm: 'transformer.ln_f',
    output: 'lm_head',
  },
  layers: 'transformer.h',
  inside: {
    attn_norm: 'input_layernorm',
    attn_qkv: 'self_attention.query_key_value',
    attn_output: 'self_attention.dense',
    ffn_norm: 'post_attention_layernorm',
    ffn_up: 'mlp.dense_h_to_4h',
    ffn_down: 'mlp.dense_4h_to_h',
  },
};

/** llama.cpp stores all heads' q, then all k, then all v, weights and biases alike (convert_hf_to_gguf.py). */
function tensorFromGguf(tensor: string, { headDim, hiddenSize }: ModelDescription): GgufTensor | undefined {
  const known = nameFromGguf(tensor, ggufNames);
  const apart = (row: number) => {
    const head = Math.floor(row / (3 * headDim));
    const third = Math.floor(row / headDim) % 3;
    return third * hiddenSize + head * headDim + (row % headDim);
  };
  return known?.stored === 'attn_qkv' ? { name: known.name, rowOrder: apart } : known;
}
