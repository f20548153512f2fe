import type { Tensor } from '../graph/tensor.ts';
import type { ModelBuilder } from './builder.ts';
import { causalDescription, causalTasks, causalTensorFromFolder } from './causalModel.ts';
import type { ModelDescription, ModelFamily, ModuleInfo } from './family.ts';
import { nameFromGguf, type GgufNames } from './ggufNames.ts';
import { gpt2ConfigFromGguf, readGpt2Config, type Gpt2Config } from './gpt2Config.ts';
import { resolveTask, type Task } from './heads.ts';
import { conv1d, norm, table } from './modules.ts';

/**
 * GPT-2: pre-norm blocks behind learned positions, with q, k and v from one linear and all linears but the head stored as Conv1D.
 * Source: modeling_gpt2.py of Transformers 5.
 */
export const gpt2: ModelFamily = {
  name: 'gpt2',
  modelTypes: ['gpt2'],
  describe: (config, choice) => describe(readGpt2Config(config), resolveTask(config, causalTasks, choice)),
  tensorFromFolder: causalTensorFromFolder,
  // llama.cpp stores the linears as [out, in] already
  gguf: { architectures: ['gpt2'], config: gpt2ConfigFromGguf, tensor: (name) => nameFromGguf(name, ggufNames) },
};

function describe(config: Gpt2Config, task: Task): ModelDescription {
  return causalDescription(config, task, {
    family: 'gpt2',
    modelType: 'gpt2',
    architecture: 'GPT2LMHeadModel',
    numKeyValueHeads: config.numAttentionHeads,
    embeddingPath: 'transformer.wte',
    bodyModules: bodyModules(config),
    tokenHead: 'classifier',
    defaultTargets,
    traceBody: (builder, ids) => traceBody(builder, config, ids),
  });
}

/** PEFT's constants.py. Methods that are not named take LoRA's. */
const defaultTargets: ModelDescription['defaultTargets'] = {
  LORA: { targetModules: ['c_attn'] },
  IA3: { targetModules: ['c_attn', 'mlp.c_proj'], feedforwardModules: ['mlp.c_proj'] },
  LN_TUNING: { targetModules: ['ln_1', 'ln_2', 'ln_f'] },
  FOURIERFT: { targetModules: ['mlp.c_proj'] },
};

function bodyModules({ hiddenSize, innerSize, ...config }: Gpt2Config): ModuleInfo[] {
  const layers = Array.from({ length: config.numHiddenLayers }, (_, i) => `transformer.h.${i}`);
  return [
    table('transformer.wte', config.vocabSize, hiddenSize),
    table('transformer.wpe', config.maxPositionEmbeddings, hiddenSize),
    ...layers.flatMap((layer) => [
      norm(`${layer}.ln_1`, hiddenSize),
      conv1d(`${layer}.attn.c_attn`, hiddenSize, 3 * hiddenSize),
      conv1d(`${layer}.attn.c_proj`, hiddenSize, hiddenSize),
      norm(`${layer}.ln_2`, hiddenSize),
      conv1d(`${layer}.mlp.c_fc`, hiddenSize, innerSize),
      conv1d(`${layer}.mlp.c_proj`, innerSize, hiddenSize),
    ]),
    norm('transformer.ln_f', hiddenSize),
  ];
}

function traceBody(builder: ModelBuilder, config: Gpt2Config, ids: Tensor): Tensor {
  const { graph, batch, tokens } = builder;
  const { hiddenSize, layerNormEpsilon } = config;
  const words = builder.embedTokens('transformer.wte', ids);
  const positions = builder.embedding('transformer.wpe', builder.positionIds());
  let hidden = graph.one('binary', [words, builder.reshape(positions, [batch, tokens, hiddenSize])], {
    operator: 'add',
  });
  for (let layer = 0; layer < config.numHiddenLayers; layer++) {
    const input = hidden;
    hidden = builder.layer(layer, () => block(builder, config, layer, input));
  }
  return builder.layerNorm('transformer.ln_f', hidden, layerNormEpsilon);
}

function block(builder: ModelBuilder, config: Gpt2Config, layer: number, input: Tensor): Tensor {
  const path = `transformer.h.${layer}`;
  const { layerNormEpsilon, activation } = config;
  const site = { layer, layerPath: path };
  const attended = attention(builder, config, layer, builder.layerNorm(`${path}.ln_1`, input, layerNormEpsilon));
  const residual = builder.join({ ...site, kind: 'attention', residual: input, output: attended });
  const normed = builder.layerNorm(`${path}.ln_2`, residual, layerNormEpsilon);
  const up = builder.linear(`${path}.mlp.c_fc`, normed);
  const inner = builder.graph.scoped(`${path}.mlp`, () => builder.graph.one('activation', [up], { activation }));
  const output = builder.linear(`${path}.mlp.c_proj`, inner);
  return builder.join({ ...site, kind: 'mlp', residual, output });
}

function attention(builder: ModelBuilder, config: Gpt2Config, layer: number, x: Tensor): Tensor {
  const path = `transformer.h.${layer}.attn`;
  const { batch, tokens, graph } = builder;
  const { hiddenSize, numAttentionHeads, headDim } = config;
  const fused = builder.linear(`${path}.c_attn`, x);
  const output = graph.scoped(`${path}.attention`, () => {
    const third = (i: number) => {
      const part = graph.one('slice', [fused], { axis: 2, start: i * hiddenSize, size: hiddenSize });
      return builder.reshape(part, [batch, tokens, numAttentionHeads, headDim]);
    };
    const scale = config.attentionScale(layer);
    return builder.attention(layer, third(0), third(1), third(2), { causal: true, window: 0, scale });
  });
  return builder.linear(`${path}.c_proj`, builder.reshape(output, [batch, tokens, hiddenSize]));
}

const ggufNames: GgufNames = {
  outside: {
    token_embd: 'transformer.wte',
    position_embd: 'transformer.wpe',
    output_norm: 'transformer.ln_f',
    output: 'lm_head',
  },
  layers: 'transformer.h',
  inside: {
    attn_norm: 'ln_1',
    attn_qkv: 'attn.c_attn',
    attn_output: 'attn.c_proj',
    ffn_norm: 'ln_2',
    ffn_up: 'mlp.c_fc',
    ffn_down: 'mlp.c_proj',
  },
};
