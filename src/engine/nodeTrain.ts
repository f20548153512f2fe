import { join } from 'node:path';
import type { Gpu } from '../gpu/device.ts';
import { valuesOfSnapshot } from '../peft/parameterSpace.ts';
import { trainedParameters } from '../peft/parameters.ts';
import type { TrainerState } from '../train/trainer.ts';
import { countElements } from './modelCard.ts';
import { claimFolder, modelPathOf, openPath, readRunFile, writeFolder } from './nodeFiles.ts';
import { openGpu, openModelAt, openRows, type OpenRows, type Say } from './nodeOpen.ts';
import { adapterFiles, prepareRun, type PreparedRun } from './preparedRun.ts';
import { RunControl } from './runControl.ts';
import { evaluationScores, tellScores } from './scores.ts';
import { trainerState, type LogEntry } from './trainerState.ts';
import { RunDiverged, trainAdapter, type TrainingEvents, type TrainingResult } from './trainingRun.ts';

/**
 * Trains as a run file says and writes the adapter folder and trainer_state.json; with save_steps also checkpoint-N folders in it, each
 * an adapter. Ctrl-C ends after the steps that are done, and writes what they trained. A run that diverges writes nothing more.
 */
export async function trainCommand(runFile: string, output: string, say: Say): Promise<Record<string, unknown>> {
  const fields = await readRunFile(runFile);
  const opened = await openModelAt(modelPathOf(fields));
  const initPath = fields['init_adapter'] ?? fields['adapter_name_or_path'];
  const init = typeof initPath === 'string' && initPath !== '' ? await openPath(initPath) : undefined;
  let rows: OpenRows | undefined;
  let opening: Promise<Gpu> | undefined;
  const gpu = () => (opening ??= openGpu(say));
  const prepared = await prepareRun(opened, fields, init, async (run, model) => {
    rows = await openRows(run, model, say);
    return { count: rows.rows.length, labels: rows.labels, learned: { rows: rows.rows, gpu } };
  });
  if (!rows) throw new Error('the rows were not opened');
  const release = await claimFolder(output);
  try {
    const { result, log } = await trainTold(prepared, rows, await gpu(), output, say);
    const { model, adapter, run } = prepared;
    const files = await adapterFiles(model, adapter, result.values);
    const last = log.findLast((entry) => entry['loss'] !== undefined);
    const state = trainerState(log, {
      ...run.training,
      step: result.stepsDone,
      maxSteps: result.totalSteps,
      epoch: last?.['epoch'] ?? 0,
    });
    files.set('trainer_state.json', new TextEncoder().encode(JSON.stringify(state, null, 2)));
    await writeFolder(output, files);
    if (result.outcome === 'stopped')
      say(`stopped after step ${result.stepsDone} of ${result.totalSteps}; the adapter as it then was is in ${output}`);
    const evaluation = log.findLast((entry) => entry['eval_loss'] !== undefined);
    return {
      output,
      outcome: result.outcome,
      steps: result.stepsDone,
      loss: last?.['loss'] ?? null,
      ...(evaluation && { eval_loss: evaluation['eval_loss'] }),
      trainable_parameters: countElements(trainedParameters(adapter.parameters)),
    };
  } finally {
    await release();
  }
}

/** The run itself, told step by step. Throws where it diverged or was stopped before its first step, and says what is left of it. */
async function trainTold(
  { run: { training }, model, adapter, initial }: PreparedRun,
  rows: OpenRows,
  gpu: Gpu,
  output: string,
  say: Say,
): Promise<{ result: TrainingResult; log: LogEntry[] }> {
  const control = new RunControl();
  const interrupt = () => {
    say('stopping; Ctrl-C again ends at once and writes nothing');
    control.stop();
  };
  process.once('SIGINT', interrupt);
  const log: LogEntry[] = [];
  let saved = `Nothing was written to ${output}.`;
  const saveCheckpoint = async (state: TrainerState) => {
    const folder = join(output, `checkpoint-${state.step}`);
    await writeFolder(folder, await adapterFiles(model, adapter, valuesOfSnapshot(adapter.parameters, state, initial)));
    saved = `The last checkpoint is ${folder}.`;
  };
  const events: TrainingEvents = {
    onProgress: (phase, done, total) => done === total && say(`${phase}: ${total}`),
    onStep: ({ step, epoch, loss, gradNorm, learningRate, regLoss }) => {
      const penalty = adapter.regularizer && { reg_loss: regLoss };
      if (step % training.loggingSteps === 0)
        log.push({ epoch, grad_norm: gradNorm, learning_rate: learningRate, loss, ...penalty, step });
      say(`step ${step}: loss ${loss.toPrecision(6)}, gradient norm ${gradNorm.toPrecision(4)}`);
    },
    onEvaluation: ({ step, epoch, loss, metrics }) => {
      log.push({ epoch, eval_loss: loss, ...evaluationScores(metrics), step });
      say(`step ${step}: eval loss ${loss.toPrecision(6)}, ${tellScores(loss, metrics)}`);
    },
    onCheckpoint: async (state) => {
      if (training.saveSteps > 0 && state.step % training.saveSteps === 0) await saveCheckpoint(state);
    },
  };
  try {
    const result = await trainAdapter({ gpu, model, adapter, initial, ...rows, settings: training }, control, events);
    if (result.stepsDone === 0) throw new Error(`The run was stopped before its first step. ${saved}`);
    return { result, log };
  } catch (error) {
    if (error instanceof RunDiverged) throw new Error(`${error.message} ${saved}`, { cause: error });
    throw error;
  } finally {
    process.off('SIGINT', interrupt);
    gpu.device.destroy();
  }
}
