import type { Tensor } from '../graph/tensor.ts';
import type { ModelBuilder } from './builder.ts';
import type { ModelDescription, ModelFamily, ModuleInfo } from './family.ts';
import { resolveTask, type Task } from './heads.ts';
import { linear, norm, table } from './modules.ts';
import { bucketTable, readT5Config, type T5Config } from './t5Config.ts';

/**
 * T5 and Flan-T5 (Raffel et al., arXiv 1910.10683): an encoder and a decoder of pre-norm blocks without biases, whose attention adds a
 * learned bias by relative distance and does not scale. Source: modeling_t5.py of Transformers 5.
 */
export const t5: ModelFamily = {
  name: 't5',
  modelTypes: ['t5', 'mt5'],
  describe: (config, choice) => describe(readT5Config(config), resolveTask(config, tasks, choice), config),
};

const tasks = ['SEQ_2_SEQ_LM'] as const;

function describe(config: T5Config, task: Task, json: Readonly<Record<string, unknown>>): ModelDescription {
  const buckets = bucketConstants(config);
  return {
    family: 't5',
    task: task.type,
    tasks,
    outputSize: config.vocabSize,
    modelType: config.modelType,
    architecture: config.modelType === 'mt5' ? 'MT5ForConditionalGeneration' : 'T5ForConditionalGeneration',
    vocabSize: config.vocabSize,
    hiddenSize: config.hiddenSize,
    numHiddenLayers: config.numLayers + config.numDecoderLayers,
    stacks: { encoder: config.numLayers, decoder: config.numDecoderLayers },
    maxPositionEmbeddings: config.maxPositions,
    numKeyValueHeads: config.numHeads,
    headDim: config.headDim,
    // whatever config.json says, as in T5Config and MT5Config; a stored head of other numbers counts
    tieWordEmbeddings: true,
    decoderStartTokenId: config.decoderStartTokenId,
    embeddingPath: 'shared',
    headPath: 'lm_head',
    modules: modulesOf(config),
    keptInFloats: '.DenseReluDense.wo', // Transformers' _keep_in_fp32_modules
    defaultTargets: defaultTargets(config),
    eosTokenIds: config.eosTokenIds,
    padTokenId: typeof json['pad_token_id'] === 'number' ? json['pad_token_id'] : undefined,
    constants: () => buckets,
    traceBody: (builder, ids) => traceDecoder(builder, config, traceEncoder(builder, config, ids)),
    traceEncoder: (builder, ids) => traceMemory(builder, config, traceEncoder(builder, config, ids)),
  };
}

/** PEFT's constants.py for t5 and mt5: by the name of the model, so that some find nothing in a gated T5. */
function defaultTargets({ modelType }: T5Config): ModelDescription['defaultTargets'] {
  const isMt5 = modelType === 'mt5';
  const up = isMt5 ? ['wi_0', 'wi_1'] : ['wi'];
  return {
    LORA: { targetModules: ['q', 'v'] },
    ADALORA: { targetModules: ['q', 'k', 'v', 'o', ...up, 'wo'] },
    IA3: { targetModules: ['k', 'v', isMt5 ? 'wi_1' : 'wo'], feedforwardModules: isMt5 ? [] : ['wo'] },
    LN_TUNING: { targetModules: ['layer_norm', 'final_layer_norm'] },
    BEFT: { targetModules: ['v'] },
  };
}

function modulesOf(config: T5Config): ModuleInfo[] {
  const { hiddenSize, numHeads, vocabSize } = config;
  const inner = numHeads * config.headDim;
  const bare = (path: string, inFeatures: number, outFeatures: number) => linear(path, inFeatures, outFeatures, false);
  const rms = (path: string) => norm(path, hiddenSize, false);
  const attention = (path: string) => [
    bare(`${path}.q`, hiddenSize, inner),
    bare(`${path}.k`, hiddenSize, inner),
    bare(`${path}.v`, hiddenSize, inner),
    bare(`${path}.o`, inner, hiddenSize),
  ];
  const feedForward = (path: string) => [
    ...(config.isGated ? ['wi_0', 'wi_1'] : ['wi']).map((up) =>
      bare(`${path}.DenseReluDense.${up}`, hiddenSize, config.intermediateSize),
    ),
    bare(`${path}.DenseReluDense.wo`, config.intermediateSize, hiddenSize),
    rms(`${path}.layer_norm`),
  ];
  const buckets = (stack: string): ModuleInfo => ({
    ...table(`${stack}.block.0.layer.0.SelfAttention.relative_attention_bias`, config.numBuckets, numHeads),
    isReadWhole: true,
  });
  const encoder = Array.from({ length: config.numLayers }, (_, i) => `encoder.block.${i}.layer`).flatMap((layer) => [
    ...attention(`${layer}.0.SelfAttention`),
    rms(`${layer}.0.layer_norm`),
    ...feedForward(`${layer}.1`),
  ]);
  const decoder = Array.from({ length: config.numDecoderLayers }, (_, i) => `decoder.block.${i}.layer`).flatMap(
    (layer) => [
      ...attention(`${layer}.0.SelfAttention`),
      rms(`${layer}.0.layer_norm`),
      ...attention(`${layer}.1.EncDecAttention`),
      rms(`${layer}.1.layer_norm`),
      ...feedForward(`${layer}.2`),
    ],
  );
  return [
    table('shared', vocabSize, hiddenSize),
    buckets('encoder'),
    ...encoder,
    rms('encoder.final_layer_norm'),
    buckets('decoder'),
    ...decoder,
    rms('decoder.final_layer_norm'),
    bare('lm_head', hiddenSize, vocabSize),
  ];
}

/** Source ids [batch, tokens] → what the decoder looks at, [batch, tokens, hiddenSize]. */
function traceEncoder(builder: ModelBuilder, config: T5Config, ids: Tensor): Tensor | undefined {
  if (builder.mode.kind === 'cached') return undefined;
  const bias = relativeBias(builder, config, 'encoder');
  let hidden = builder.embedTokens('shared', ids);
  for (let layer = 0; layer < config.numLayers; layer++) {
    const path = `encoder.block.${layer}.layer`;
    const site = { layer, layerPath: path };
    const input = hidden;
    hidden = builder.layer(layer, () => {
      const normed = builder.rmsNorm(`${path}.0.layer_norm`, input, config.layerNormEpsilon);
      const heads = headsOf(builder, config, `${path}.0.SelfAttention`);
      const [q, k, v] = [heads('q', normed), heads('k', normed), heads('v', normed)];
      const attended = builder.attend(q, k, v, { ...unscaled, causal: false, lengths: 'keyLengths', bias });
      const output = builder.linear(`${path}.0.SelfAttention.o`, merged(builder, attended));
      const residual = builder.join({ ...site, kind: 'attention', residual: input, output });
      return feedForward(builder, config, `${path}.1`, site, residual);
    });
  }
  return builder.rmsNorm('encoder.final_layer_norm', hidden, config.layerNormEpsilon);
}

/** Puts the keys and values that the decoder makes of the encoder's output where it finds them for each token that it writes. */
function traceMemory(builder: ModelBuilder, config: T5Config, memory: Tensor | undefined): void {
  for (let layer = 0; layer < config.numDecoderLayers; layer++) memoryOf(builder, config, layer, memory);
}

/** Target ids → the decoder's hidden states [batch, decoderTokens, hiddenSize]. */
function traceDecoder(builder: ModelBuilder, config: T5Config, memory: Tensor | undefined): Tensor {
  const bias = relativeBias(builder, config, 'decoder');
  let hidden = builder.embedding('shared', builder.decoderIds());
  for (let layer = 0; layer < config.numDecoderLayers; layer++) {
    const index = config.numLayers + layer;
    const path = `decoder.block.${layer}.layer`;
    const site = { layer: index, layerPath: path };
    const input = hidden;
    hidden = builder.layer(index, () => {
      const normed = builder.rmsNorm(`${path}.0.layer_norm`, input, config.layerNormEpsilon);
      const own = headsOf(builder, config, `${path}.0.SelfAttention`);
      const settings = { ...unscaled, causal: true, lengths: 'decoderLengths' } as const;
      const attended = builder.attention(layer, own('q', normed), own('k', normed), own('v', normed), settings, bias);
      const output = builder.linear(`${path}.0.SelfAttention.o`, merged(builder, attended));
      const residual = builder.join({ ...site, kind: 'attention', residual: input, output });
      return feedForward(builder, config, `${path}.2`, site, crossAttention(builder, config, layer, residual, memory));
    });
  }
  const normed = builder.rmsNorm('decoder.final_layer_norm', hidden, config.layerNormEpsilon);
  return config.scalesOutput
    ? builder.graph.one('scale', [normed], { factor: 1 / Math.sqrt(config.hiddenSize) })
    : normed;
}

function crossAttention(
  builder: ModelBuilder,
  config: T5Config,
  layer: number,
  input: Tensor,
  memory: Tensor | undefined,
): Tensor {
  const path = `decoder.block.${layer}.layer`;
  const normed = builder.rmsNorm(`${path}.1.layer_norm`, input, config.layerNormEpsilon);
  const q = headsOf(builder, config, `${path}.1.EncDecAttention`)('q', normed);
  const { k, v } = memoryOf(builder, config, layer, memory);
  const attended = builder.attend(q, k, v, { ...unscaled, causal: false, lengths: 'keyLengths' });
  const output = builder.linear(`${path}.1.EncDecAttention.o`, merged(builder, attended));
  const site = { layer: config.numLayers + layer, layerPath: path };
  return builder.join({ ...site, kind: 'crossAttention', residual: input, output });
}

/** Keys and values of a decoder layer over the encoder's output; without that, those that were kept. */
function memoryOf(builder: ModelBuilder, config: T5Config, layer: number, memory: Tensor | undefined) {
  const heads = headsOf(builder, config, `decoder.block.${layer}.layer.1.EncDecAttention`);
  const shape = [config.numHeads, config.headDim];
  const of = (projection: 'k' | 'v') =>
    builder.remembered(`${layer}.${projection}`, shape, memory && heads(projection, memory));
  return { k: of('k'), v: of('v') };
}

const unscaled = { window: 0, scale: 1 };

/** x [batch, T, hiddenSize] → a projection of it as [batch, T, heads, headDim] */
function headsOf(builder: ModelBuilder, { numHeads, headDim }: T5Config, path: string) {
  return (projection: 'q' | 'k' | 'v', x: Tensor) =>
    builder.reshape(builder.linear(`${path}.${projection}`, x), [builder.batch, x.shape[1] ?? 1, numHeads, headDim]);
}

function merged(builder: ModelBuilder, heads: Tensor): Tensor {
  const [batch = 1, tokens = 1, count = 1, width = 1] = heads.shape;
  return builder.reshape(heads, [batch, tokens, count * width]);
}

function feedForward(
  builder: ModelBuilder,
  config: T5Config,
  path: string,
  site: { readonly layer: number; readonly layerPath: string },
  input: Tensor,
): Tensor {
  const { graph } = builder;
  const normed = builder.rmsNorm(`${path}.layer_norm`, input, config.layerNormEpsilon);
  const up = (name: string) => builder.linear(`${path}.DenseReluDense.${name}`, normed);
  const { activation, isGated } = config;
  const inner = isGated
    ? graph.one('gatedActivation', [up('wi_0'), up('wi_1')], { activation })
    : graph.one('activation', [up('wi')], { activation });
  return builder.join({
    ...site,
    kind: 'mlp',
    residual: input,
    output: builder.linear(`${path}.DenseReluDense.wo`, inner),
  });
}

/**
 * The bias table [heads, 2R + 1] of the op `attention`, out of the learned [buckets, heads]: every distance takes its bucket's row.
 */
function relativeBias(builder: ModelBuilder, { numHeads }: T5Config, stack: 'encoder' | 'decoder'): Tensor {
  const { graph } = builder;
  return graph.scoped(`${stack}.relative_attention_bias`, () => {
    const buckets = builder.constant(`buckets.${stack}`);
    const learned = builder.weight(`${stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight`);
    const byDistance = graph.one('matmul', [buckets, learned], { layout: 'nn' });
    return graph.reshape(graph.one('transpose', [byDistance], { permutation: [1, 0] }), [
      numHeads,
      buckets.shape[0] ?? 1,
    ]);
  });
}

function bucketConstants(config: T5Config): ReturnType<ModelDescription['constants']> {
  return new Map([
    ['buckets.encoder', bucketTable(config, true)],
    ['buckets.decoder', bucketTable(config, false)],
  ]);
}
