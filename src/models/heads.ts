import { UserError } from '../formats/errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { ModelBuilder } from './builder.ts';
import type { ModuleInfo, ProblemType, TaskChoice, TaskType } from './family.ts';

type Json = Readonly<Record<string, unknown>>;

/** A task with its labels settled: as the run asks, else as config.json has them, else Transformers' two. */
export interface Task {
  readonly type: TaskType;
  readonly outputSize: number;
  readonly problemType?: ProblemType;
  readonly labelNames?: readonly string[];
}

/** Class names of Transformers' heads, by the ending of config.json's `architectures`. */
const endings: readonly (readonly [string, TaskType])[] = [
  ['ForSequenceClassification', 'SEQ_CLS'],
  ['ForTokenClassification', 'TOKEN_CLS'],
  ['ForImageClassification', 'IMAGE_CLS'],
  ['ForConditionalGeneration', 'SEQ_2_SEQ_LM'],
  ['ForCausalLM', 'CAUSAL_LM'],
  ['LMHeadModel', 'CAUSAL_LM'],
];

/** What a class of Transformers is for, such as LlamaForSequenceClassification; undefined for one without a known head. */
export function taskOfClass(name: unknown): TaskType | undefined {
  return endings.find(([ending]) => String(name).endsWith(ending))?.[1];
}

/** The task that is asked for, or that the config's class is for, or the family's first. Throws a UserError where the family has no such head. */
export function resolveTask(config: Json, tasks: readonly TaskType[], choice: TaskChoice | undefined): Task {
  const [architecture] = [config['architectures']].flat();
  const known = taskOfClass(architecture);
  const type = choice?.type ?? tasks.find((task) => task === known) ?? tasks[0] ?? 'CAUSAL_LM';
  if (!tasks.includes(type))
    throw new UserError(
      `task_type: a ${String(config['model_type'])} model has no head for ${type} here; it has for ${tasks.join(', ')}. Choose one of these.`,
    );
  if (type === 'CAUSAL_LM' || type === 'SEQ_2_SEQ_LM') return { type, outputSize: Number(config['vocab_size']) };
  const names = labelNames(config);
  const outputSize = choice?.numLabels ?? names?.length ?? numberOf(config['num_labels']) ?? 2;
  const problemType = choice?.problemType ?? problemTypeOf(config['problem_type'], outputSize, type);
  return { type, outputSize, problemType, labelNames: names?.length === outputSize ? names : undefined };
}

/** id2label, unless it is Transformers' filling (LABEL_0, LABEL_1 …) in a checkpoint that has no classifier. */
function labelNames(config: Json): string[] | undefined {
  const names = config['id2label'];
  if (typeof names !== 'object' || names === null || Array.isArray(names)) return undefined;
  const count = Object.keys(names).length;
  return Array.from({ length: count }, (_, i) => String((names as Json)[String(i)] ?? `LABEL_${i}`));
}

function problemTypeOf(value: unknown, outputSize: number, type: TaskType): ProblemType {
  if (type !== 'SEQ_CLS') return 'single_label_classification';
  if (value === 'regression' || value === 'multi_label_classification') return value;
  return outputSize === 1 ? 'regression' : 'single_label_classification';
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : undefined;
}

/** The linear that makes the logits. */
export function headModule(path: string, inFeatures: number, task: Task, hasBias: boolean): ModuleInfo {
  return { path, kind: 'linear', hasBias, inFeatures, outFeatures: task.outputSize };
}

/** The class of Transformers that has this head: 'LlamaForCausalLM' → 'LlamaForSequenceClassification'. */
export function architectureFor(causal: string, type: TaskType): string {
  const ending = { SEQ_CLS: 'ForSequenceClassification', TOKEN_CLS: 'ForTokenClassification' }[type as string];
  return ending ? causal.replace(/ForCausalLM$|LMHeadModel$/, ending) : causal;
}

/** The vector of each row's last token, [batch, hiddenSize]: what a causal model's classifier reads. Input: lastRows u32 [batch]. */
export function lastRows(builder: ModelBuilder, hidden: Tensor): Tensor {
  return builder.graph.one('gatherRows', [hidden, builder.graph.input('lastRows', [builder.batch], 'u32')]);
}

/** The vector of each row's first position, [batch, hiddenSize]. Input: firstRows u32 [batch]. */
export function firstRows(builder: ModelBuilder, hidden: Tensor): Tensor {
  return builder.graph.one('gatherRows', [hidden, builder.graph.input('firstRows', [builder.batch], 'u32')]);
}
