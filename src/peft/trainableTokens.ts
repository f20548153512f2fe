import { UserError } from '../formats/errors.ts';
import type { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { ModelDescription, ModuleInfo } from '../models/family.ts';
import { tensorsForFile } from './initialize.ts';
import type { Adapter, CheckpointFacts, Method, MethodFields, ParameterSpec } from './method.ts';
import { parameterTensor } from './parameters.ts';
import { keyPrefix, modulesToSaveField, taskHeads } from './savedModules.ts';
import { booleanField, integersField, modulesField } from './schema.ts';
import { attachTuner } from './tuner.ts';

/** Trainable tokens, as PEFT 0.21's tuners/trainable_tokens has them: some rows of the embedding are trained, and with a tied head its columns too. */
export const trainableTokens: Method = {
  peftType: 'TRAINABLE_TOKENS',
  name: 'Trainable tokens',
  summary:
    'Trains the embeddings of a few tokens and nothing else. Choose it to give meaning to tokens that were added, such as the marks of a chat template.',
  group: 'scaling',
  learningRate: 1e-3,
  fields: [
    {
      ...integersField({ name: 'token_indices', label: 'Tokens', help: 'Ids of the tokens that are trained.' }),
      advanced: false,
    },
    modulesField({
      name: 'target_modules',
      label: 'Tables',
      help: 'The embedding of the input where none is named; a head of its own can be named beside it.',
      default: null,
      advanced: true,
    }),
    booleanField({
      name: 'init_weights',
      label: 'Start as they are',
      help: 'Starts from the tokens’ present embeddings, so that training begins with the model as it is.',
      default: true,
      advanced: true,
    }),
    modulesToSaveField,
  ],
  attach,
  merge(adapter, parameters, { name, modulePath, shape: [, width = 0], data }) {
    const key = keyOf(modulePath);
    const shared = adapter.ignoresKey(key) ? adapter.parameters.find((spec) => spec.name.endsWith(suffix)) : undefined;
    const rows = parameters.get(shared?.name ?? key);
    if (!rows || !name.endsWith('.weight')) return undefined;
    const merged = Float32Array.from(data);
    const ids = adapter.config['token_indices'] as readonly number[];
    ids.forEach((id, i) => merged.set(rows.subarray(i * width, (i + 1) * width), id * width));
    return merged;
  },
};

const suffix = '.trainable_tokens_delta';

function keyOf(path: string): string {
  return `${keyPrefix}${path}${suffix}`;
}

function attach(fields: MethodFields, model: CheckpointFacts): Adapter {
  const { description } = model;
  const { embeddingPath, headPath, tieWordEmbeddings } = description;
  const ids = tokenIds(fields['token_indices'] as number | readonly number[] | null, description.vocabSize);
  const settings = { ...fields, token_indices: ids, target_modules: fields['target_modules'] ?? embeddingPath };
  const tuner = attachTuner('TRAINABLE_TOKENS', settings, model, ['embedding', 'linear'], newHeads(description));
  const tables = new Map(
    tuner.modules.map((module) => [module.path, tableOf(module, ids, fields['init_weights'] === true)]),
  );
  const shared = tieWordEmbeddings ? tables.get(embeddingPath) : undefined;
  if (shared) tables.delete(headPath);
  const adapter: Adapter = {
    ...tuner.file,
    baseTensors: new Map(),
    parameters: [
      ...[...tables.values()].flatMap(({ rows, oneHot, others }) => [rows, oneHot, others]),
      ...tuner.trained.values(),
    ],
    hooks: {
      embedding: ({ graph }, { path }, tokens, base) => {
        const table = tables.get(path);
        return table ? exchangeRows(graph, table, tokens, base) : base;
      },
      linear: ({ graph }, { module: { path }, base }, x) => {
        const table = tables.get(path) ?? (path === headPath ? shared : undefined);
        return table ? exchangeOutputs(graph, table, x, base(x)) : base(x);
      },
      replaces: tuner.replaces,
    },
  };
  return shared ? withTiedTables(adapter, shared.rows, tiedPaths(description).map(keyOf)) : adapter;
}

/** PEFT's config of this method knows no modules_to_save, so that a classifier's head stays as it is. A new one has to be trained. */
function newHeads(description: ModelDescription): readonly string[] {
  return description.freshTensors?.size ? taskHeads(description) : [];
}

/** Where Transformers ties tables to the embedding: the head, and T5's encoder and decoder. */
function tiedPaths({ headPath, traceEncoder }: ModelDescription): string[] {
  return [headPath, ...(traceEncoder ? ['encoder.embed_tokens', 'decoder.embed_tokens'] : [])];
}

function tokenIds(given: number | readonly number[] | null, vocabSize: number): number[] {
  const ids = [given ?? []].flat();
  if (ids.length === 0)
    throw new UserError('token_indices: no token is named. Give the ids of those to train, such as [5, 6].');
  const wrong = ids.find((id, i) => id >= vocabSize || ids.indexOf(id) !== i);
  if (wrong === undefined) return ids;
  throw new UserError(
    wrong < vocabSize
      ? `token_indices: ${wrong} stands there twice. Name each token once.`
      : `token_indices: the model has no token ${wrong}. Ids go up to ${vocabSize - 1}.`,
  );
}

/** Some rows of a table [vocabulary, width] that stand in for the table's own. */
interface Table {
  /** [tokens, width] */
  readonly rows: ParameterSpec;
  /** [vocabulary, tokens]: 1 where the row belongs to the trained token */
  readonly oneHot: ParameterSpec;
  /** [vocabulary, 1]: 0 at the trained tokens, else 1 */
  readonly others: ParameterSpec;
}

function tableOf(
  { path, kind, inFeatures, outFeatures }: ModuleInfo,
  ids: readonly number[],
  asTheyAre: boolean,
): Table {
  const [vocabulary, width] = kind === 'embedding' ? [inFeatures, outFeatures] : [outFeatures, inFeatures];
  const name = keyOf(path);
  const fixed = (kind: string, columns: number, fill: (numbers: Float32Array) => void): ParameterSpec => ({
    name: `${name}.${kind}`,
    shape: [vocabulary, columns],
    role: 'frozen',
    isInFile: false,
    initial: {
      kind: 'computed',
      compute: () => {
        const numbers = new Float32Array(vocabulary * columns);
        fill(numbers);
        return Promise.resolve(numbers);
      },
    },
  });
  return {
    rows: {
      name,
      shape: [ids.length, width],
      initial: asTheyAre
        ? { kind: 'computed', compute: ({ baseRows }) => baseRows(`${path}.weight`, ids) }
        : { kind: 'normal', std: 1 },
    },
    oneHot: fixed('one_hot', ids.length, (numbers) => ids.forEach((id, i) => (numbers[id * ids.length + i] = 1))),
    others: fixed('others', 1, (numbers) => {
      numbers.fill(1);
      for (const id of ids) numbers[id] = 0;
    }),
  };
}

/** Looked-up rows [.., width] with those of trained tokens in the place of the table's. */
function exchangeRows(graph: Graph, { rows, oneHot, others }: Table, tokens: Tensor, base: Tensor): Tensor {
  const look = (spec: ParameterSpec) => graph.one('embedding', [tokens, parameterTensor(graph, spec)]);
  const kept = graph.one('binary', [base, look(others)], { operator: 'mul' });
  return graph.one('matmul', [look(oneHot), parameterTensor(graph, rows), kept], { layout: 'nn' });
}

/** Logits x · Wᵀ [.., vocabulary] with the columns of trained tokens in the place of the table's. */
function exchangeOutputs(graph: Graph, { rows, oneHot, others }: Table, x: Tensor, base: Tensor): Tensor {
  const [vocabulary = 0] = others.shape;
  const mask = graph.reshape(parameterTensor(graph, others), [vocabulary]);
  const kept = graph.one('binary', [base, mask], { operator: 'mul' });
  const own = graph.one('matmul', [x, parameterTensor(graph, rows)], { layout: 'nt' });
  return graph.one('matmul', [own, parameterTensor(graph, oneHot), kept], { layout: 'nt' });
}

/** PEFT writes the rows again under the name of each tied table. */
function withTiedTables(adapter: Adapter, rows: ParameterSpec, tiedKeys: readonly string[]): Adapter {
  return {
    ...adapter,
    ignoresKey: (key) => tiedKeys.includes(key) || adapter.ignoresKey(key),
    toContent: (values) => {
      const tensors = tensorsForFile(adapter, values);
      const shared = tensors.get(rows.name);
      return Promise.resolve({
        config: adapter.config,
        tensors: new Map(shared ? [...tensors, ...tiedKeys.map((key) => [key, shared] as const)] : tensors),
      });
    },
  };
}
