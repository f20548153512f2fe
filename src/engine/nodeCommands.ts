import { Generator } from '../generate/generator.ts';
import { Runtime } from '../models/runtime.ts';
import { methods } from '../peft/registry.ts';
import { Trainer } from '../train/trainer.ts';
import type { ChatMessage } from '../tokenizer/chatTemplate.ts';
import { encodePrompt, encodeText } from './chat.ts';
import { UserError } from '../formats/errors.ts';
import type { Gpu } from '../gpu/device.ts';
import type { TaskType } from '../models/family.ts';
import type { LoadedModel } from './loadedModel.ts';
import type { AttachedAdapter } from './preparedRun.ts';
import { putOnGpu } from './modelOnGpu.ts';
import { fileSource, modelPathOf, readRunFile } from './nodeFiles.ts';
import { quantisationOf } from './quantisationFields.ts';
import type { Quantisation } from '../quant/quantise.ts';
import { attachAdapterAt, openGpu, openModelAt, openRows, type Say } from './nodeOpen.ts';
import { describeRun, withinPositions } from './runFields.ts';
import { perplexity } from '../train/taskMetricsText.ts';
import { decodeImageInNode } from '../data/images/nodeImages.ts';
import { classify, unlabelledRow } from './classify.ts';
import { prepareImage } from './preparedImages.ts';
import { confusionRows } from './scores.ts';
import { modelForTask } from './taskModel.ts';
import { writtenScores } from './writtenScores.ts';
import { isClassifier } from '../train/traceLoss.ts';
import { batchesInOrder } from './runBatches.ts';

/** Measures an adapter (or the base model) on the run file's evaluation rows, or on its rows where none are set apart. */
export async function evalCommand(
  runFile: string,
  adapterPath: string | undefined,
  say: Say,
): Promise<Record<string, unknown>> {
  const fields = await readRunFile(runFile);
  const opened = await openModelAt(modelPathOf(fields), quantisationOf(fields));
  const attached = adapterPath === undefined ? undefined : await attachAdapterAt(adapterPath, opened);
  const { init_adapter: _, ...rest } = fields;
  const described = describeRun(attached ? withoutMethod(rest) : rest, attached?.folder.config);
  const model = attached?.model ?? (await modelForTask(opened, described.task));
  const run = withinPositions(described, model.rowLimit);
  const { rows, evalRows } = await openRows(run, model, say);
  const measured = evalRows.length > 0 ? evalRows : rows;
  const gpu = await openGpu(say);
  try {
    const { weights, space, traced } = await putOnGpu(gpu, model, attached);
    const trainer = new Trainer(gpu, weights, traced, attached?.adapter ?? { parameters: [] }, space, run.training, 0);
    const evaluation = await trainer.evaluate(batchesInOrder(measured, run.training.batchSize, model));
    const { loss, accuracy, targets, metrics } = evaluation;
    const figures = metrics?.scores ?? { perplexity: perplexity(loss), accuracy };
    const written = await writtenScores(new Generator(new Runtime(gpu, weights, space), traced), model, measured);
    const confusion = metrics?.confusion && { confusion: confusionRows(metrics.confusion) };
    return {
      eval_loss: loss,
      ...figures,
      ...confusion,
      ...written,
      rows: measured.length,
      [metrics ? 'targets' : 'tokens']: targets,
    };
  } finally {
    gpu.device.destroy();
  }
}

export interface ModelChoice {
  readonly model: string;
  /** how its linears are quantised while they are loaded */
  readonly quantisation?: Quantisation;
  readonly adapter?: string;
}

export interface GenerateChoice extends ModelChoice {
  readonly messages: readonly ChatMessage[];
  readonly raw: boolean;
  readonly maxNewTokens: number;
  readonly temperature: number;
  readonly topP: number;
  readonly seed: number;
}

/** The reply alone. */
export async function generateCommand(choice: GenerateChoice, say: Say): Promise<string> {
  const opened = await openModelAt(choice.model, choice.quantisation);
  const attached = choice.adapter === undefined ? undefined : await attachAdapterAt(choice.adapter, opened);
  const model = attached?.model ?? opened;
  const { task, modelType } = model.checkpoint.description;
  if (task !== 'CAUSAL_LM' && task !== 'SEQ_2_SEQ_LM')
    throw new UserError(
      `A ${modelType} model for ${task} writes no text. Ask for its figures with graft logits or graft eval.`,
    );
  const prompt = encodePrompt(model, choice.messages, choice.raw);
  return withGenerator(model, attached, say, async (generator) => {
    const { ids } = await generator.generate(prompt, { ...choice, stopIds: model.stopIds() });
    return model.tokenizer.decode(ids, { skipSpecialTokens: true });
  });
}

/**
 * Logits at the last token of a text that is encoded as a {"text"} row is, or of the classes; of TOKEN_CLS those of all tokens in turn.
 * @param task default: the adapter's, else the one that the model suits
 */
export async function logitsCommand(
  choice: ModelChoice,
  task: TaskType | undefined,
  asked: { readonly text: string } | { readonly image: string },
  say: Say,
): Promise<number[]> {
  const opened = await openModelAt(choice.model, choice.quantisation);
  const forTask = task ? await opened.forTask({ type: task }) : opened;
  const attached = choice.adapter === undefined ? undefined : await attachAdapterAt(choice.adapter, forTask);
  const model = attached?.model ?? forTask;
  if (isClassifier(model.checkpoint.description)) {
    const row =
      'text' in asked
        ? unlabelledRow(model, asked.text)
        : await prepareImage(model, await fileSource(asked.image), decodeImageInNode);
    return withGpu(say, async (gpu) => Array.from(await classify(gpu, model, attached, row)));
  }
  if (!('text' in asked)) throw new UserError('This model reads text, not images. Give --text.');
  const ids = encodeText(model, asked.text);
  return withGenerator(model, attached, say, async (generator) => Array.from(await generator.logits(ids)));
}

async function withGenerator<T>(
  model: LoadedModel,
  attached: AttachedAdapter | undefined,
  say: Say,
  use: (generator: Generator) => Promise<T>,
): Promise<T> {
  return withGpu(say, async (gpu) => {
    const { weights, space, traced } = await putOnGpu(gpu, model, attached);
    return use(new Generator(new Runtime(gpu, weights, space), traced));
  });
}

async function withGpu<T>(say: Say, use: (gpu: Gpu) => Promise<T>): Promise<T> {
  const gpu = await openGpu(say);
  try {
    return await use(gpu);
  } finally {
    gpu.device.destroy();
  }
}

/** The run's fields without those of a method: the adapter's own config decides them. */
function withoutMethod(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const known = new Set(methods.flatMap((method) => method.fields.map(({ name }) => name)));
  return Object.fromEntries(Object.entries(fields).filter(([name]) => name !== 'peft_type' && !known.has(name)));
}
