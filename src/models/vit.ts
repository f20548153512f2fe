import type { AdapterFolder } from '../formats/adapterContent.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { ModelBuilder } from './builder.ts';
import type { ModelDescription, ModelFamily, ModuleInfo } from './family.ts';
import { firstRows, headModule, resolveTask, type Task } from './heads.ts';
import { linear, norm } from './modules.ts';
import { readVitConfig, type VitConfig } from './vitConfig.ts';

/**
 * ViT (Dosovitskiy et al., arXiv 2010.11929): square patches through a linear layer, behind a class token, with learned positions;
 * pre-norm encoder blocks; a classifier on the class token. Source: modeling_vit.py of Transformers 5, whose module names these are.
 */
export const vit: ModelFamily = {
  name: 'vit',
  modelTypes: ['vit'],
  describe: (config, choice) => describe(readVitConfig(config), resolveTask(config, tasks, choice)),
  tensorFromFolder,
};

const tasks = ['IMAGE_CLS'] as const;

function describe(config: VitConfig, task: Task): ModelDescription {
  const { hiddenSize, imageSize, numChannels, patchSize } = config;
  const positions = Math.floor(imageSize / patchSize) ** 2 + 1;
  return {
    family: 'vit',
    task: 'IMAGE_CLS',
    tasks,
    outputSize: task.outputSize,
    problemType: task.problemType,
    labelNames: task.labelNames,
    modelType: 'vit',
    architecture: 'ViTForImageClassification',
    image: { height: imageSize, width: imageSize, channels: numChannels, positions },
    vocabSize: 0,
    hiddenSize,
    numHiddenLayers: config.numHiddenLayers,
    maxPositionEmbeddings: positions,
    numKeyValueHeads: config.numAttentionHeads,
    headDim: config.headDim,
    tieWordEmbeddings: false,
    embeddingPath: 'vit.embeddings.patch_embeddings.projection',
    headPath: 'classifier',
    modules: modulesOf(config, task),
    bareTensors: new Map([
      ['vit.embeddings.cls_token', [hiddenSize]],
      ['vit.embeddings.position_embeddings', [positions * hiddenSize]],
    ]),
    defaultTargets,
    fromOlder: adapterFromOlder,
    eosTokenIds: [],
    constants: () => new Map(),
    traceBody: (builder) => traceBody(builder, config),
    pool: firstRows,
  };
}

/** PEFT has no defaults for ViT. Ours are the layers that its defaults for BERT stand for. */
const defaultTargets: ModelDescription['defaultTargets'] = {
  LORA: { targetModules: ['q_proj', 'v_proj'] },
  ADALORA: { targetModules: ['q_proj', 'v_proj'] },
  IA3: { targetModules: ['k_proj', 'v_proj', 'fc2'], feedforwardModules: ['fc2'] },
  LN_TUNING: { targetModules: ['layernorm_before', 'layernorm_after', 'layernorm'] },
  BEFT: { targetModules: ['v_proj'] },
};

function modulesOf(config: VitConfig, task: Task): ModuleInfo[] {
  const { hiddenSize, intermediateSize, numChannels, patchSize, qkvBias } = config;
  const layers = Array.from({ length: config.numHiddenLayers }, (_, i) => `vit.layers.${i}`);
  return [
    {
      path: 'vit.embeddings.patch_embeddings.projection',
      kind: 'patches',
      hasBias: true,
      inFeatures: numChannels * patchSize * patchSize,
      outFeatures: hiddenSize,
      shapeInFile: [hiddenSize, numChannels, patchSize, patchSize],
    },
    ...layers.flatMap((layer) => [
      linear(`${layer}.attention.q_proj`, hiddenSize, hiddenSize, qkvBias),
      linear(`${layer}.attention.k_proj`, hiddenSize, hiddenSize, qkvBias),
      linear(`${layer}.attention.v_proj`, hiddenSize, hiddenSize, qkvBias),
      linear(`${layer}.attention.o_proj`, hiddenSize, hiddenSize),
      norm(`${layer}.layernorm_before`, hiddenSize),
      norm(`${layer}.layernorm_after`, hiddenSize),
      linear(`${layer}.mlp.fc1`, hiddenSize, intermediateSize),
      linear(`${layer}.mlp.fc2`, intermediateSize, hiddenSize),
    ]),
    norm('vit.layernorm', hiddenSize),
    headModule('classifier', hiddenSize, task, true),
  ];
}

function traceBody(builder: ModelBuilder, config: VitConfig): Tensor {
  let hidden = embed(builder, config);
  for (let layer = 0; layer < config.numHiddenLayers; layer++) {
    const input = hidden;
    hidden = builder.layer(layer, () => block(builder, config, layer, input));
  }
  return builder.layerNorm('vit.layernorm', hidden, config.layerNormEps);
}

/** The class token and the patches, with their positions: [batch, 1 + patches, hiddenSize]. Input: pixelValues f32 [batch, 3, H, W]. */
function embed(builder: ModelBuilder, { imageSize, numChannels, patchSize, hiddenSize }: VitConfig): Tensor {
  const { batch, graph } = builder;
  const pixels = graph.input('pixelValues', [batch, numChannels, imageSize, imageSize], 'f32');
  const patches = builder.linear(
    'vit.embeddings.patch_embeddings.projection',
    graph.one('unfold', [pixels], { patchSize }),
  );
  const classToken = graph.reshape(builder.weight('vit.embeddings.cls_token'), [1, 1, hiddenSize]);
  const classTokens = graph.one('broadcastTo', [classToken], { shape: [batch, 1, hiddenSize] });
  const rows = graph.one('concat', [classTokens, patches], { axis: 1 });
  const table = graph.reshape(builder.weight('vit.embeddings.position_embeddings'), [builder.tokens, hiddenSize]);
  return graph.one('binary', [rows, table], { operator: 'add' });
}

function block(builder: ModelBuilder, config: VitConfig, layer: number, input: Tensor): Tensor {
  const path = `vit.layers.${layer}`;
  const { graph } = builder;
  const site = { layer, layerPath: path };
  const before = builder.layerNorm(`${path}.layernorm_before`, input, config.layerNormEps);
  const output = builder.linear(`${path}.attention.o_proj`, attention(builder, config, layer, path, before));
  const attended = builder.join({ ...site, kind: 'attention', residual: input, output });
  const after = builder.layerNorm(`${path}.layernorm_after`, attended, config.layerNormEps);
  const up = builder.linear(`${path}.mlp.fc1`, after);
  const inner = graph.scoped(`${path}.mlp`, () => graph.one('activation', [up], { activation: config.hiddenAct }));
  return builder.join({
    ...site,
    kind: 'mlp',
    residual: attended,
    output: builder.linear(`${path}.mlp.fc2`, inner),
  });
}

function attention(builder: ModelBuilder, config: VitConfig, layer: number, path: string, x: Tensor): Tensor {
  const { batch, tokens, graph } = builder;
  const { numAttentionHeads, headDim, hiddenSize } = config;
  const heads = (projection: string) =>
    builder.reshape(builder.linear(`${path}.attention.${projection}`, x), [batch, tokens, numAttentionHeads, headDim]);
  const [q, k, v] = [heads('q_proj'), heads('k_proj'), heads('v_proj')];
  const attributes = { causal: false, window: 0, scale: 1 / Math.sqrt(headDim) };
  const output = graph.scoped(`${path}.attention`, () => builder.attention(layer, q, k, v, attributes));
  return builder.reshape(output, [batch, tokens, hiddenSize]);
}

/** Transformers 4's names of the modules within a layer, which every file still has, and today's. */
const olderModules: readonly (readonly [string, string])[] = [
  ['attention.attention.query', 'attention.q_proj'],
  ['attention.attention.key', 'attention.k_proj'],
  ['attention.attention.value', 'attention.v_proj'],
  ['attention.output.dense', 'attention.o_proj'],
  ['intermediate.dense', 'mlp.fc1'],
  ['output.dense', 'mlp.fc2'],
];

/** A path or a key that names a module of an older adapter, as it is today. */
function todaysPath(path: string): string {
  return path.replace(/vit\.encoder\.layer\.(\d+)\.(.*)$/, (_, layer: string, rest: string) => {
    const [older = '', today = ''] = olderModules.find(([name]) => rest === name || rest.startsWith(`${name}.`)) ?? [];
    return `vit.layers.${layer}.${today}${rest.slice(older.length)}`;
  });
}

/** Modules of today that a name of an older target ends: "output.dense" is the attention's and the MLP's. */
function todaysTargets(target: string): string[] {
  if (target.startsWith('vit.')) return [todaysPath(target)];
  const meant = olderModules.filter(([older]) => older === target || older.endsWith(`.${target}`));
  return meant.length > 0 ? meant.map(([, today]) => today) : [target];
}

/** Of PEFT's keys alone: AdapterHub still has Transformers 4's names for what it adds. */
const ofPeft = 'base_model.model.';

/** PEFT's adapters for Transformers 4's ViT: their keys and their list of targets. */
function adapterFromOlder(adapter: AdapterFolder): AdapterFolder {
  if (![...adapter.tensors.keys()].some((key) => key.startsWith(`${ofPeft}vit.encoder.layer.`))) return adapter;
  const { target_modules: targets } = adapter.config;
  const renamed = Array.isArray(targets) ? { target_modules: targets.map(String).flatMap(todaysTargets) } : {};
  return {
    ...adapter,
    config: { ...adapter.config, ...renamed },
    tensors: new Map(
      [...adapter.tensors].map(([key, tensor]) => [key.startsWith(ofPeft) ? todaysPath(key) : key, tensor]),
    ),
  };
}

/** A body saved without its classifier lacks the name of the body. */
function tensorFromFolder(name: string): string {
  const whole = /^(embeddings|encoder|layers|layernorm)\./.test(name) ? `vit.${name}` : name;
  return todaysPath(whole);
}
