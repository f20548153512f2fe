import type { FileSet } from '../formats/byteSource.ts';
import { elementCount } from '../formats/tensorEntry.ts';
import type { TrainerState } from '../train/trainer.ts';
import type { AdapterRoom } from './adapterRoom.ts';
import type { MetricPoint, OnRunEvent, RunFields, RunStatus, RunSummary } from './api.ts';
import { DeviceLost, describeError } from './errors.ts';
import { exportFiles } from './exportFiles.ts';
import type { LoadedModel } from './loadedModel.ts';
import type { Machine } from './machine.ts';
import { confusionRows } from './scores.ts';
import { splitData, type PreparedData } from './preparedData.ts';
import { prepareRun, type PreparedRun } from './preparedRun.ts';
import { choiceOf } from './quantisationFields.ts';
import type { RunControl } from './runControl.ts';
import type { RunDescription } from './runFields.ts';
import type { RunOrigin, RunProgress, RunRecords } from './runRecords.ts';
import { trainAdapter, type TrainingInput, type TrainingResult } from './trainingRun.ts';

/** Milliseconds between writes of the log to the device. */
const logInterval = 1000;
/** A second loss of the GPU within this time ends the run, in milliseconds. */
const lossWindow = 60_000;

export interface RunRequest {
  readonly id: string;
  readonly model: LoadedModel;
  readonly modelId: string;
  readonly data: PreparedData;
  readonly evaluation?: PreparedData;
  readonly rows: FileSet;
  readonly fields: RunFields;
  readonly initAdapter?: { readonly id: string; readonly files: FileSet };
  readonly resumeFrom?: TrainerState;
  /** milliseconds since 1970; default: now */
  readonly createdAt?: number;
}

/** A run from its start, or from a checkpoint, to its end: keeps its record and checkpoints, survives a lost GPU, and leaves an adapter. */
export class ActiveRun {
  readonly #request: RunRequest;
  readonly #machine: Machine;
  readonly #records: RunRecords;
  readonly #adapters: AdapterRoom;
  readonly #tell: OnRunEvent;
  readonly #createdAt: number;
  #progress: RunProgress = {};
  #log: MetricPoint[] = [];
  #unwritten: MetricPoint[] = [];
  #lastWrite = 0;
  #lastState: TrainerState | undefined;

  constructor(request: RunRequest, machine: Machine, records: RunRecords, adapters: AdapterRoom, tell: OnRunEvent) {
    this.#request = request;
    this.#machine = machine;
    this.#records = records;
    this.#adapters = adapters;
    this.#tell = tell;
    this.#lastState = request.resumeFrom;
    this.#createdAt = request.createdAt ?? Date.now();
  }

  /**
   * Trains to the end, to a stop, or to an error, which it throws.
   * @param keeps asked at a stop: false discards the run
   */
  async train(control: RunControl, keeps: () => boolean): Promise<RunSummary> {
    const { id, model, fields, resumeFrom } = this.#request;
    this.#tell({ kind: 'status', status: 'preparing' });
    const prepared = await prepareRun(model, fields, this.#request.initAdapter?.files, (run) => ({
      count: this.#rows(run).rows.length,
      labels: this.#request.data.labels,
      learned: { rows: this.#rows(run).rows, gpu: () => this.#machine.gpu() },
      onProgress: (progress) => this.#tell({ kind: 'progress', progress }),
    }));
    if (resumeFrom) this.#takeUp(await this.#records.trimMetrics(id, resumeFrom.step));
    else await this.#records.create(id, this.#name(prepared), this.#origin(prepared), this.#request.rows);
    try {
      const result = await this.#trainThroughLosses(prepared, control);
      if (result.outcome === 'stopped' && !keeps()) {
        await this.#records.discard(id);
        this.#tell({ kind: 'status', status: 'stopped', message: 'The run was discarded.' });
        return this.#summary(prepared, 'stopped');
      }
      const status = result.outcome;
      this.#progress = { ...this.#progress, step: result.stepsDone, totalSteps: result.totalSteps };
      if (result.stepsDone > 0) await this.#keepAdapter(prepared, result);
      await this.#write(status);
      this.#tell({ kind: 'status', status });
      return this.#summary(prepared, status);
    } catch (error) {
      const kept = this.#lastState ? ` The checkpoint of step ${this.#lastState.step} is kept.` : '';
      const message = describeError(error).message + kept;
      await this.#write('failed', message);
      this.#tell({ kind: 'status', status: 'failed', message });
      throw error;
    }
  }

  /** A lost GPU is opened again and the run goes on from its last checkpoint; the second loss within a minute ends it. */
  async #trainThroughLosses(prepared: PreparedRun, control: RunControl): Promise<TrainingResult> {
    let lastLoss = -Infinity;
    for (;;) {
      try {
        const input = await this.#input(prepared);
        return await Promise.race([
          trainAdapter(input, control, this.#events(prepared.adapter.regularizer !== undefined)),
          this.#machine.lost,
        ]);
      } catch (error) {
        if (!(error instanceof DeviceLost)) throw error;
        const now = performance.now();
        if (now - lastLoss < lossWindow)
          throw new DeviceLost(
            'The GPU was lost twice within a minute, so the run was ended. Close other programs that use the GPU, lower the batch size, and resume.',
          );
        lastLoss = now;
        prepared.model.unload();
        this.#machine.close();
        this.#takeUp(await this.#records.trimMetrics(this.#request.id, this.#lastState?.step ?? -1));
        this.#tell({
          kind: 'notice',
          message: `The GPU was lost; the run goes on from step ${this.#lastState?.step ?? 0}.`,
        });
      }
    }
  }

  async #input({ run, model, adapter, initial }: PreparedRun): Promise<TrainingInput> {
    const gpu = await this.#machine.gpu();
    return { gpu, model, adapter, initial, ...this.#rows(run), settings: run.training, resumeFrom: this.#lastState };
  }

  #rows({ fields, training }: RunDescription): ReturnType<typeof splitData> {
    const { data, evaluation } = this.#request;
    return splitData(data, evaluation, fields['val_split_ratio'] as number, training.seed);
  }

  #events(hasPenalty: boolean): Parameters<typeof trainAdapter>[2] {
    const before = { tokens: this.#log.at(-1)?.tokens ?? 0, time: this.#log.at(-1)?.time ?? 0 };
    const started = performance.now();
    const time = () => before.time + performance.now() - started;
    let isRunning = false;
    const units = { upload: 'bytes', compile: 'kernels', 'first-step': 'steps' } as const;
    return {
      onProgress: (phase, done, total) =>
        this.#tell({ kind: 'progress', progress: { phase, done, total, unit: units[phase] } }),
      onStep: ({ step, epoch, tokens, loss, learningRate, gradNorm, regLoss: penalty }) => {
        if (!isRunning) this.#tell({ kind: 'status', status: 'running' });
        isRunning = true;
        this.#progress = { ...this.#progress, step, lastLoss: loss };
        const regLoss = hasPenalty ? penalty : undefined;
        this.#add({ step, epoch, tokens: before.tokens + tokens, loss, learningRate, gradNorm, regLoss, time: time() });
      },
      onEvaluation: ({ step, epoch, loss, metrics }) => {
        this.#progress = { ...this.#progress, bestEvalLoss: Math.min(loss, this.#progress.bestEvalLoss ?? Infinity) };
        const confusion = metrics?.confusion && confusionRows(metrics.confusion);
        const figures = { evalLoss: loss, evalScores: metrics?.scores, confusion };
        this.#add({ step, epoch, tokens: this.#log.at(-1)?.tokens ?? 0, ...figures, time: time() });
      },
      onRanks: (step, ranks) => this.#tell({ kind: 'ranks', step, ranks: Object.fromEntries(ranks) }),
      onPace: (step, totalSteps, tokensPerSecond, secondsLeft) => {
        this.#progress = { ...this.#progress, totalSteps };
        this.#tell({ kind: 'pace', step, totalSteps, tokensPerSecond, secondsLeft });
        if (performance.now() - this.#lastWrite > logInterval) void this.#write('running');
      },
      onCheckpoint: async (state, evalLoss) => {
        this.#lastState = state;
        // The figures up to here first: a resumed run goes on from them and from nothing earlier.
        await this.#write('running');
        const gpu = await this.#machine.gpu();
        const stored = await this.#records.saveCheckpoint(this.#request.id, state, gpu.pipelines.keys(), evalLoss);
        const best = evalLoss !== undefined && evalLoss <= (this.#progress.bestEvalLoss ?? Infinity);
        this.#tell({ kind: 'checkpoint', step: state.step, best, stored });
      },
    };
  }

  /** Goes on from the figures that an earlier part of the run left. */
  #takeUp(log: readonly MetricPoint[] | undefined): void {
    const last = this.#lastState?.step ?? -1;
    this.#log = log ? [...log] : this.#log.filter(({ step }) => step <= last);
    this.#unwritten = [];
    const evaluations = this.#log.flatMap(({ evalLoss }) => evalLoss ?? []);
    this.#progress = evaluations.length > 0 ? { bestEvalLoss: Math.min(...evaluations) } : {};
  }

  #add(point: MetricPoint): void {
    this.#log.push(point);
    this.#unwritten.push(point);
    this.#tell({ kind: 'metric', point });
  }

  async #write(status: RunStatus, error?: string): Promise<void> {
    this.#lastWrite = performance.now();
    const points = this.#unwritten;
    this.#unwritten = [];
    await this.#records.appendMetrics(this.#request.id, points);
    await this.#records.update(this.#request.id, status, this.#progress, error);
  }

  /** Each end leaves an adapter of its own: one of an earlier stop stays as it is. */
  async #keepAdapter(prepared: PreparedRun, result: TrainingResult): Promise<void> {
    const { id: runId } = this.#request;
    const { model, adapter, run } = prepared;
    const id = crypto.randomUUID();
    const files = await exportFiles(model, adapter, result.values, run.fields, this.#log);
    const inFile = adapter.parameters.filter(({ isInFile }) => isInFile !== false);
    const parameters = inFile.reduce((sum, { shape }) => sum + elementCount(shape), 0);
    const stored = await this.#adapters.add({
      id,
      name: this.#name(prepared),
      peftType: adapter.peftType,
      baseModel: model.checkpoint.name,
      runId,
      parameters,
      weights: choiceOf(model.checkpoint.quantisation),
      files,
    });
    this.#progress = { ...this.#progress, adapterId: id };
    if (!stored)
      this.#tell({
        kind: 'notice',
        message: 'The adapter could not be stored on this device. Download it before you close this tab.',
      });
  }

  #name({ run }: PreparedRun): string {
    return `${this.#request.model.checkpoint.name.replace(/\.gguf$/i, '')} · ${run.method.name} · ${this.#request.data.name}`;
  }

  #origin({ run }: PreparedRun): RunOrigin {
    const { model, modelId, data, fields, initAdapter } = this.#request;
    return {
      modelId,
      modelName: model.checkpoint.name,
      dataName: data.name,
      method: run.method.name,
      fields,
      initAdapterId: initAdapter?.id,
    };
  }

  #summary(prepared: PreparedRun, status: RunStatus): RunSummary {
    const { id } = this.#request;
    const { modelName, dataName, method, fields } = this.#origin(prepared);
    const { step = 0, totalSteps = 0, ...rest } = this.#progress;
    return {
      id,
      name: this.#name(prepared),
      status,
      modelName,
      dataName,
      method,
      fields,
      createdAt: this.#createdAt,
      step,
      totalSteps,
      ...rest,
    };
  }
}
