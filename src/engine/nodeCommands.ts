import { Generator } from '../generate/generator.ts';
import { Runtime } from '../models/runtime.ts';
import { methods } from '../peft/registry.ts';
import { Trainer } from '../train/trainer.ts';
import type { ChatMessage } from '../tokenizer/chatTemplate.ts';
import { encodePrompt, encodeText } from './chat.ts';
import type { LoadedModel } from './loadedModel.ts';
import { putOnGpu } from './modelOnGpu.ts';
import { modelPathOf, readRunFile } from './nodeFiles.ts';
import { attachAdapterAt, openGpu, openModelAt, openRows, type Say } from './nodeOpen.ts';
import { describeRun, withinPositions } from './runFields.ts';
import { modelForTask } from './taskModel.ts';
import { batchesInOrder } from './trainingRun.ts';

/** Measures an adapter (or the base model) on the run file's evaluation rows, or on its rows where none are set apart. */
export async function evalCommand(
  runFile: string,
  adapterPath: string | undefined,
  say: Say,
): Promise<Record<string, unknown>> {
  const fields = await readRunFile(runFile);
  const opened = await openModelAt(modelPathOf(fields));
  const attached = adapterPath === undefined ? undefined : await attachAdapterAt(adapterPath, opened);
  const { init_adapter: _, ...rest } = fields;
  const described = describeRun(attached ? withoutMethod(rest) : rest, attached?.folder.config);
  const model = attached?.model ?? (await modelForTask(opened, described.task));
  const run = withinPositions(described, model.positions);
  const { rows, evalRows } = await openRows(run, model, say);
  const measured = evalRows.length > 0 ? evalRows : rows;
  const gpu = await openGpu(say);
  try {
    const { weights, space, traced } = await putOnGpu(gpu, model, attached);
    const trainer = new Trainer(gpu, weights, traced, attached?.adapter ?? { parameters: [] }, space, run.training, 0);
    const { loss, accuracy, targets } = await trainer.evaluate(batchesInOrder(measured, run.training.batchSize));
    return { eval_loss: loss, perplexity: Math.exp(loss), accuracy, rows: measured.length, tokens: targets };
  } finally {
    gpu.device.destroy();
  }
}

export interface ModelChoice {
  readonly model: string;
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
  const model = await openModelAt(choice.model);
  const prompt = encodePrompt(model, choice.messages, choice.raw);
  return withGenerator(model, choice.adapter, say, async (generator) => {
    const { ids } = await generator.generate(prompt, { ...choice, stopIds: model.stopIds() });
    return model.tokenizer.decode(ids, { skipSpecialTokens: true });
  });
}

/** Logits at the last token of a text that is encoded as a {"text"} row is. */
export async function logitsCommand(choice: ModelChoice, text: string, say: Say): Promise<number[]> {
  const model = await openModelAt(choice.model);
  const ids = encodeText(model, text);
  return withGenerator(model, choice.adapter, say, async (generator) => Array.from(await generator.logits(ids)));
}

async function withGenerator<T>(
  model: LoadedModel,
  adapter: string | undefined,
  say: Say,
  use: (generator: Generator) => Promise<T>,
): Promise<T> {
  const attached = adapter === undefined ? undefined : await attachAdapterAt(adapter, model);
  const gpu = await openGpu(say);
  try {
    const { weights, space, traced } = await putOnGpu(gpu, model, attached);
    return await use(new Generator(new Runtime(gpu, weights, space), traced));
  } finally {
    gpu.device.destroy();
  }
}

/** The run's fields without those of a method: the adapter's own config decides them. */
function withoutMethod(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const known = new Set(methods.flatMap((method) => method.fields.map(({ name }) => name)));
  return Object.fromEntries(Object.entries(fields).filter(([name]) => name !== 'peft_type' && !known.has(name)));
}
