import type { Tensor } from '../graph/tensor.ts';
import type { ModelBuilder } from './builder.ts';
import type { CausalConfig } from './causalConfig.ts';
import type { ModelDescription, ModuleInfo, TaskType } from './family.ts';
import { architectureFor, headModule, lastRows, type Task } from './heads.ts';
import { linear } from './modules.ts';

/** The heads that Transformers gives to decoder-only models. */
export const causalTasks = ['CAUSAL_LM', 'SEQ_CLS', 'TOKEN_CLS'] as const;

/** What a decoder-only family says of itself. */
interface CausalModel extends Pick<
  ModelDescription,
  'family' | 'modelType' | 'embeddingPath' | 'logitCap' | 'defaultTargets'
> {
  /** Transformers' class of the language model */
  readonly architecture: string;
  readonly numKeyValueHeads: number;
  /** default: all that decoder-only models have */
  readonly tasks?: readonly TaskType[];
  /** all modules but the head */
  readonly bodyModules: readonly ModuleInfo[];
  /** the classifier of tokens; that of texts is `score` everywhere */
  readonly tokenHead: 'score' | 'classifier';
  readonly constants?: ModelDescription['constants'];
  traceBody(builder: ModelBuilder, ids: Tensor): Tensor;
}

/** The description of a decoder-only model with the head of a task: a vocabulary's, or a classifier of texts (by the last token) or tokens. */
export function causalDescription(config: CausalConfig, task: Task, own: CausalModel): ModelDescription {
  const { tasks = causalTasks, architecture, bodyModules, tokenHead, constants = () => new Map(), ...rest } = own;
  const isCausal = task.type === 'CAUSAL_LM';
  const headPath = isCausal ? 'lm_head' : task.type === 'TOKEN_CLS' ? tokenHead : 'score';
  const head = isCausal
    ? linear(headPath, config.hiddenSize, config.vocabSize, false)
    : headModule(headPath, config.hiddenSize, task, task.type === 'TOKEN_CLS');
  return {
    ...rest,
    task: task.type,
    tasks,
    outputSize: task.outputSize,
    problemType: task.problemType,
    labelNames: task.labelNames,
    architecture: architectureFor(architecture, task.type),
    vocabSize: config.vocabSize,
    hiddenSize: config.hiddenSize,
    numHiddenLayers: config.numHiddenLayers,
    maxPositionEmbeddings: config.maxPositionEmbeddings,
    headDim: config.headDim,
    tieWordEmbeddings: isCausal && config.tieWordEmbeddings,
    headPath,
    modules: [...bodyModules, head],
    eosTokenIds: config.eosTokenIds,
    bosTokenId: config.bosTokenId,
    padTokenId: config.padTokenId,
    constants,
    pool: task.type === 'SEQ_CLS' ? lastRows : undefined,
  };
}

/** The name of a tensor of a folder in Transformers' model: a body saved without its head lacks the body's name in front. */
export function causalTensorFromFolder(name: string, { embeddingPath }: ModelDescription): string {
  const body = embeddingPath.slice(0, embeddingPath.indexOf('.'));
  return new RegExp(`^(${body}|lm_head|score|classifier)\\.`).test(name) ? name : `${body}.${name}`;
}
