import { basename } from 'node:path';
import { UserError } from '../formats/errors.ts';
import type { Gpu } from '../gpu/device.ts';
import { openNodeGpu } from '../gpu/node.ts';
import { Generator } from '../generate/generator.ts';
import { Runtime } from '../models/runtime.ts';
import { ParameterSpace } from '../peft/parameterSpace.ts';
import { Trainer } from '../train/trainer.ts';
import type { ChatMessage } from '../tokenizer/chatTemplate.ts';
import { encodePrompt, encodeText } from './chat.ts';
import { LoadedModel } from './loadedModel.ts';
import { fileSource, openPath, readRunFile, writeFolder } from './nodeFiles.ts';
import { adapterFiles, attachAdapter, prepareRun } from './preparedRun.ts';
import { prepareData, splitData, type PreparedData } from './preparedData.ts';
import { RunControl } from './runControl.ts';
import { describeRun } from './runFields.ts';
import { batchesInOrder, trainAdapter } from './trainingRun.ts';
import { trainerState, type LogEntry } from './trainerState.ts';

/** Tells a person what is going on; never a result. */
export type Say = (line: string) => void;

/** Trains as a run file says and writes the adapter folder and trainer_state.json. */
export async function trainCommand(runFile: string, output: string, say: Say): Promise<Record<string, unknown>> {
  const fields = await readRunFile(runFile);
  const model = await openModelAt(fields['model'] ?? fields['model_name_or_path']);
  const initPath = fields['init_adapter'] ?? fields['adapter_name_or_path'];
  const { run, adapter, initial } = await prepareRun(
    model,
    fields,
    typeof initPath === 'string' && initPath ? await openPath(initPath) : undefined,
  );
  const { data, rows, evalRows } = await rowsOf(run.fields, model, run, say);
  for (const problem of data.problems.slice(0, 20))
    say(`${data.name}, ${problem.place.unit} ${problem.place.number}: ${problem.message}`);
  say(
    `${rows.length} rows, ${data.report.tokens} tokens, ${data.report.learnedTokens} learned, ${data.report.cutRows.length} cut; ${evalRows.length} rows held out`,
  );
  const gpu = await openGpu(say);
  const control = new RunControl();
  const interrupt = () => control.stop();
  process.once('SIGINT', interrupt);
  const log: LogEntry[] = [];
  const { settings } = { settings: run.training };
  try {
    const result = await trainAdapter({ gpu, model, adapter, initial, rows, evalRows, settings }, control, {
      onProgress: (phase, done, total) => done === total && say(`${phase}: ${total}`),
      onStep: ({ step, epoch, loss, gradNorm, learningRate }) => {
        if (step % settings.loggingSteps === 0)
          log.push({ epoch, grad_norm: gradNorm, learning_rate: learningRate, loss, step });
        say(`step ${step}: loss ${loss.toPrecision(6)}, gradient norm ${gradNorm.toPrecision(4)}`);
      },
      onEvaluation: ({ step, epoch, loss }) => {
        log.push({ epoch, eval_loss: loss, step });
        say(`step ${step}: eval loss ${loss.toPrecision(6)}, perplexity ${Math.exp(loss).toPrecision(5)}`);
      },
    });
    const files = await adapterFiles(model, adapter, result.values);
    const last = log.findLast((entry) => entry['loss'] !== undefined);
    const state = trainerState(log, {
      step: result.stepsDone,
      maxSteps: result.totalSteps,
      epoch: last?.['epoch'] ?? 0,
      batchSize: settings.batchSize,
      loggingSteps: settings.loggingSteps,
      evalSteps: settings.evalSteps,
      saveSteps: settings.saveSteps,
    });
    files.set('trainer_state.json', new TextEncoder().encode(JSON.stringify(state, null, 2)));
    await writeFolder(output, files);
    const evaluation = log.findLast((entry) => entry['eval_loss'] !== undefined);
    return {
      output,
      outcome: result.outcome,
      steps: result.stepsDone,
      loss: last?.['loss'] ?? null,
      ...(evaluation && { eval_loss: evaluation['eval_loss'] }),
      trainable_parameters: adapter.parameters.reduce((sum, spec) => sum + spec.shape.reduce((a, b) => a * b, 1), 0),
    };
  } finally {
    process.off('SIGINT', interrupt);
    gpu.device.destroy();
  }
}

/** Measures an adapter (or the base model) on the run file's evaluation rows, or on its rows where none are set apart. */
export async function evalCommand(
  runFile: string,
  adapterPath: string | undefined,
  say: Say,
): Promise<Record<string, unknown>> {
  const fields = await readRunFile(runFile);
  const model = await openModelAt(fields['model'] ?? fields['model_name_or_path']);
  const attached = adapterPath === undefined ? undefined : await attachAdapter(model, await openPath(adapterPath));
  const { init_adapter: _, ...rest } = fields;
  const run = describeRun(attached ? withoutMethod(rest) : rest, attached?.folder.config);
  const { rows, evalRows } = await rowsOf(run.fields, model, run, say);
  const measured = evalRows.length > 0 ? evalRows : rows;
  const gpu = await openGpu(say);
  try {
    const weights = await model.weightsOn(gpu);
    const space = new ParameterSpace(gpu, attached?.adapter.parameters ?? [], ['parameters']);
    for (const [name, values] of attached?.values ?? []) space.write('parameters', name, values);
    const { description, catalog } = model.checkpoint;
    const lossModel = { description, catalog, adapter: attached?.adapter.hooks, positions: model.positions };
    const trainer = new Trainer(gpu, weights, lossModel, space, run.training, 0);
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
  return withGenerator(choice, say, async (generator, model) => {
    const { ids } = await generator.generate(encodePrompt(model, choice.messages, choice.raw), {
      ...choice,
      stopIds: model.stopIds(),
    });
    return model.tokenizer.decode(ids, { skipSpecialTokens: true });
  });
}

/** Logits at the last token of a text that is encoded as a {"text"} row is. */
export async function logitsCommand(choice: ModelChoice, text: string, say: Say): Promise<number[]> {
  return withGenerator(choice, say, async (generator, model) =>
    Array.from(await generator.logits(encodeText(model, text))),
  );
}

async function withGenerator<T>(
  choice: ModelChoice,
  say: Say,
  use: (generator: Generator, model: LoadedModel) => Promise<T>,
): Promise<T> {
  const model = await openModelAt(choice.model);
  const attached =
    choice.adapter === undefined ? undefined : await attachAdapter(model, await openPath(choice.adapter));
  const gpu = await openGpu(say);
  try {
    const weights = await model.weightsOn(gpu);
    const space = new ParameterSpace(gpu, attached?.adapter.parameters ?? [], ['parameters']);
    for (const [name, values] of attached?.values ?? []) space.write('parameters', name, values);
    const { description, catalog } = model.checkpoint;
    const runtime = new Runtime(gpu, weights, space);
    return await use(
      new Generator(runtime, { description, catalog, adapter: attached?.adapter.hooks, positions: model.positions }),
      model,
    );
  } finally {
    gpu.device.destroy();
  }
}

export async function openModelAt(path: unknown): Promise<LoadedModel> {
  if (typeof path !== 'string' || path === '')
    throw new UserError('model: no model is named. Give the path of a folder or a GGUF file.');
  return LoadedModel.open(await openPath(path), path);
}

async function rowsOf(
  fields: Readonly<Record<string, unknown>>,
  model: LoadedModel,
  run: { maxLength: number; lossOn: 'replies' | 'all' },
  say: Say,
) {
  const { dataset, eval_dataset: evalDataset, val_split_ratio: ratio, seed } = fields;
  if (typeof dataset !== 'string' || dataset === '')
    throw new UserError('dataset: no file is named. Give the path of a jsonl, json, csv or txt file.');
  const read = async (path: string): Promise<PreparedData> => {
    say(`reading ${basename(path)}`);
    return prepareData(await fileSource(path), model.tokenizer, run);
  };
  const data = await read(dataset);
  const evaluation = typeof evalDataset === 'string' && evalDataset !== '' ? await read(evalDataset) : undefined;
  return { data, ...splitData(data, evaluation, ratio as number, seed as number) };
}

async function openGpu(say: Say): Promise<Gpu> {
  const gpu = await openNodeGpu();
  say(`GPU: ${gpu.description.name}`);
  gpu.device.addEventListener('uncapturederror', (event) => say(`GPU error: ${event.error.message}`));
  return gpu;
}

/** The run's fields without those of a method: the adapter's own config decides them. */
function withoutMethod(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const known = new Set(Object.keys(describeRun({}).methodFields));
  return Object.fromEntries(Object.entries(fields).filter(([name]) => name !== 'peft_type' && !known.has(name)));
}
