import type { Tensor } from '../graph/tensor.ts';
import { readBertConfig, type BertConfig } from './bertConfig.ts';
import type { ModelBuilder } from './builder.ts';
import type { ModelDescription, ModelFamily, ModuleInfo } from './family.ts';
import { firstRows, headModule, resolveTask, type Task } from './heads.ts';
import { linear, norm, table } from './modules.ts';

/**
 * BERT, RoBERTa (XLM-R too) and DistilBERT: post-norm encoder blocks behind word, position and type embeddings, with a classifier of
 * texts or tokens. Source: modeling_bert.py, modeling_roberta.py and modeling_distilbert.py of Transformers 5.
 */
export const bert: ModelFamily = {
  name: 'bert',
  modelTypes: ['bert', 'roberta', 'xlm-roberta', 'distilbert'],
  describe: (config, choice) => describe(readBertConfig(config), resolveTask(config, tasks, choice), config),
  tensorFromFolder,
};

const tasks = ['SEQ_CLS', 'TOKEN_CLS'] as const;

/** Where the kin keep the same things. */
interface Names {
  readonly body: string;
  readonly layers: string;
  readonly query: string;
  readonly key: string;
  readonly value: string;
  readonly attentionOutput: string;
  readonly attentionNorm: string;
  readonly up: string;
  readonly down: string;
  readonly outputNorm: string;
  readonly classes: { readonly SEQ_CLS: string; readonly TOKEN_CLS: string };
}

const bertNames: Names = {
  body: 'bert',
  layers: 'encoder.layer',
  query: 'attention.self.query',
  key: 'attention.self.key',
  value: 'attention.self.value',
  attentionOutput: 'attention.output.dense',
  attentionNorm: 'attention.output.LayerNorm',
  up: 'intermediate.dense',
  down: 'output.dense',
  outputNorm: 'output.LayerNorm',
  classes: { SEQ_CLS: 'BertForSequenceClassification', TOKEN_CLS: 'BertForTokenClassification' },
};

const names: Readonly<Record<BertConfig['modelType'], Names>> = {
  bert: bertNames,
  roberta: {
    ...bertNames,
    body: 'roberta',
    classes: { SEQ_CLS: 'RobertaForSequenceClassification', TOKEN_CLS: 'RobertaForTokenClassification' },
  },
  distilbert: {
    body: 'distilbert',
    layers: 'transformer.layer',
    query: 'attention.q_lin',
    key: 'attention.k_lin',
    value: 'attention.v_lin',
    attentionOutput: 'attention.out_lin',
    attentionNorm: 'sa_layer_norm',
    up: 'ffn.lin1',
    down: 'ffn.lin2',
    outputNorm: 'output_layer_norm',
    classes: { SEQ_CLS: 'DistilBertForSequenceClassification', TOKEN_CLS: 'DistilBertForTokenClassification' },
  },
};

function describe(config: BertConfig, task: Task, json: Readonly<Record<string, unknown>>): ModelDescription {
  const { body, classes } = names[config.modelType];
  const head = headOf(config, task);
  return {
    family: 'bert',
    task: task.type,
    tasks,
    outputSize: task.outputSize,
    problemType: task.problemType,
    labelNames: task.labelNames,
    newModules: head.modules.map(({ path }) => path),
    modelType: String(json['model_type']),
    // XLM-R's classes are RoBERTa's under names of their own
    architecture: `${json['model_type'] === 'xlm-roberta' ? 'XLM' : ''}${classes[task.type as keyof Names['classes']]}`,
    vocabSize: config.vocabSize,
    hiddenSize: config.hiddenSize,
    numHiddenLayers: config.numHiddenLayers,
    maxPositionEmbeddings: config.positionRows - config.firstPosition,
    firstPosition: config.firstPosition,
    uncountedTokenId: config.modelType === 'roberta' ? config.firstPosition - 1 : undefined,
    numKeyValueHeads: config.numAttentionHeads,
    headDim: config.headDim,
    tieWordEmbeddings: false,
    embeddingPath: `${body}.embeddings.word_embeddings`,
    headPath: head.path,
    modules: [...bodyModules(config), ...poolerModules(config, task), ...head.modules],
    defaultTargets: defaultTargets(config.modelType),
    eosTokenIds: [],
    padTokenId: config.padTokenId,
    constants: () => new Map(),
    traceBody: (builder, ids) => traceBody(builder, config, ids),
    pool: task.type === 'SEQ_CLS' ? head.pool : undefined,
  };
}

interface Head {
  /** the last linear */
  readonly path: string;
  /** all that comes with the head; BERT's pooler is of the body */
  readonly modules: readonly ModuleInfo[];
  pool(builder: ModelBuilder, hidden: Tensor): Tensor;
}

/** A classifier of texts reads the first token's vector through a dense layer; one of tokens reads each token's. */
function headOf({ modelType, hiddenSize }: BertConfig, task: Task): Head {
  const dense = (path: string): ModuleInfo => linear(path, hiddenSize, hiddenSize);
  const through = (path: string, activation: string) => (builder: ModelBuilder, hidden: Tensor) =>
    builder.graph.one('activation', [builder.linear(path, firstRows(builder, hidden))], { activation });
  const path = modelType === 'roberta' && task.type === 'SEQ_CLS' ? 'classifier.out_proj' : 'classifier';
  const last = headModule(path, hiddenSize, task, true);
  switch (modelType) {
    case 'bert':
      return { path, modules: [last], pool: through('bert.pooler.dense', 'tanh') };
    case 'roberta': {
      const modules = task.type === 'SEQ_CLS' ? [dense('classifier.dense'), last] : [last];
      return { path, modules, pool: through('classifier.dense', 'tanh') };
    }
    case 'distilbert': {
      const modules = task.type === 'SEQ_CLS' ? [dense('pre_classifier'), last] : [last];
      return { path, modules, pool: through('pre_classifier', 'relu') };
    }
  }
}

/** PEFT's constants.py. It has no entry for DistilBERT: there the layers that BERT's stand for. */
function defaultTargets(modelType: BertConfig['modelType']): ModelDescription['defaultTargets'] {
  if (modelType === 'distilbert') {
    const attention = { targetModules: ['q_lin', 'v_lin'] };
    return {
      LORA: attention,
      ADALORA: attention,
      IA3: { targetModules: ['k_lin', 'v_lin', 'lin2'], feedforwardModules: ['lin2'] },
      BEFT: { targetModules: ['v_lin'] },
    };
  }
  return {
    LORA: { targetModules: ['query', 'value'] },
    ADALORA: { targetModules: modelType === 'roberta' ? ['query', 'key', 'value', 'dense'] : ['query', 'value'] },
    IA3: { targetModules: ['key', 'value', 'output.dense'], feedforwardModules: ['output.dense'] },
    BEFT: { targetModules: ['value'] },
  };
}

function bodyModules(config: BertConfig): ModuleInfo[] {
  const { hiddenSize, intermediateSize, modelType } = config;
  const name = names[modelType];
  const tableOf = (path: string, rows: number) => table(`${name.body}.embeddings.${path}`, rows, hiddenSize);
  const layers = Array.from({ length: config.numHiddenLayers }, (_, i) => `${name.body}.${name.layers}.${i}`);
  return [
    tableOf('word_embeddings', config.vocabSize),
    tableOf('position_embeddings', config.positionRows),
    ...(config.typeVocabSize > 0 ? [tableOf('token_type_embeddings', config.typeVocabSize)] : []),
    norm(`${name.body}.embeddings.LayerNorm`, hiddenSize),
    ...layers.flatMap((layer) => [
      linear(`${layer}.${name.query}`, hiddenSize, hiddenSize),
      linear(`${layer}.${name.key}`, hiddenSize, hiddenSize),
      linear(`${layer}.${name.value}`, hiddenSize, hiddenSize),
      linear(`${layer}.${name.attentionOutput}`, hiddenSize, hiddenSize),
      norm(`${layer}.${name.attentionNorm}`, hiddenSize),
      linear(`${layer}.${name.up}`, hiddenSize, intermediateSize),
      linear(`${layer}.${name.down}`, intermediateSize, hiddenSize),
      norm(`${layer}.${name.outputNorm}`, hiddenSize),
    ]),
  ];
}

/** BERT's own, of the body: a classifier of tokens is made without it. */
function poolerModules({ modelType, hiddenSize }: BertConfig, { type }: Task): ModuleInfo[] {
  return modelType === 'bert' && type === 'SEQ_CLS' ? [linear('bert.pooler.dense', hiddenSize, hiddenSize)] : [];
}

function traceBody(builder: ModelBuilder, config: BertConfig, ids: Tensor): Tensor {
  const { modelType, numHiddenLayers, layerNormEps } = config;
  const { body, layers } = names[modelType];
  let hidden = builder.layerNorm(`${body}.embeddings.LayerNorm`, embed(builder, config, ids), layerNormEps);
  for (let layer = 0; layer < numHiddenLayers; layer++) {
    const input = hidden;
    hidden = builder.layer(layer, () => block(builder, config, layer, `${body}.${layers}.${layer}`, input));
  }
  return hidden;
}

/** Words + types + positions, in the order in which Transformers adds them. */
function embed(builder: ModelBuilder, config: BertConfig, ids: Tensor): Tensor {
  const { batch, tokens, graph } = builder;
  const path = `${names[config.modelType].body}.embeddings`;
  const shape = [batch, tokens, config.hiddenSize];
  const rows = (table: string, indices: Tensor) =>
    builder.reshape(builder.embedding(`${path}.${table}`, indices), shape);
  const add = (a: Tensor, b: Tensor) => graph.one('binary', [a, b], { operator: 'add' });
  const words = builder.embedTokens(`${path}.word_embeddings`, ids);
  const typed = config.typeVocabSize > 0 ? add(words, rows('token_type_embeddings', builder.typeIds())) : words;
  return add(typed, rows('position_embeddings', builder.positionIds()));
}

function block(builder: ModelBuilder, config: BertConfig, layer: number, path: string, input: Tensor): Tensor {
  const name = names[config.modelType];
  const { graph } = builder;
  const norm = (module: string) => (sum: Tensor) => builder.layerNorm(`${path}.${module}`, sum, config.layerNormEps);
  const site = { layer, layerPath: path };
  const attended = builder.join({
    ...site,
    kind: 'attention',
    residual: input,
    output: builder.linear(`${path}.${name.attentionOutput}`, attention(builder, config, layer, path, input)),
    norm: norm(name.attentionNorm),
  });
  const up = builder.linear(`${path}.${name.up}`, attended);
  const inner = graph.scoped(`${path}.mlp`, () => graph.one('activation', [up], { activation: config.hiddenAct }));
  return builder.join({
    ...site,
    kind: 'mlp',
    residual: attended,
    output: builder.linear(`${path}.${name.down}`, inner),
    norm: norm(name.outputNorm),
  });
}

function attention(builder: ModelBuilder, config: BertConfig, layer: number, path: string, x: Tensor): Tensor {
  const { query, key, value } = names[config.modelType];
  const { batch, tokens, graph } = builder;
  const { numAttentionHeads, headDim, hiddenSize } = config;
  const heads = (projection: string) =>
    builder.reshape(builder.linear(`${path}.${projection}`, x), [batch, tokens, numAttentionHeads, headDim]);
  const [q, k, v] = [heads(query), heads(key), heads(value)];
  const attributes = { causal: false, window: 0, scale: 1 / Math.sqrt(headDim) };
  const output = graph.scoped(`${path}.attention`, () => builder.attention(layer, q, k, v, attributes));
  return builder.reshape(output, [batch, tokens, hiddenSize]);
}

/** Bodies that were saved without a head lack the body's name, and old TensorFlow ports say gamma and beta. */
function tensorFromFolder(name: string, { embeddingPath }: ModelDescription): string {
  const body = embeddingPath.slice(0, embeddingPath.indexOf('.'));
  const today = name.replace(/LayerNorm\.gamma$/, 'LayerNorm.weight').replace(/LayerNorm\.beta$/, 'LayerNorm.bias');
  return /^(embeddings|encoder|transformer|pooler)\./.test(today) ? `${body}.${today}` : today;
}
