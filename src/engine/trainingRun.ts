import type { Batch } from '../data/collate.ts';
import type { EncodedRow } from '../data/encodeRow.ts';
import { planBatches, type BatchPlan } from '../data/batches.ts';
import type { Gpu } from '../gpu/device.ts';
import { unreadTensors } from '../models/unreadTensors.ts';
import type { Adapter } from '../peft/method.ts';
import { ParameterSpace, valuesOfSnapshot } from '../peft/parameterSpace.ts';
import { learningRateAt } from '../train/schedule.ts';
import { totalSteps, warmupSteps, type TrainingSettings } from '../train/settings.ts';
import type { TaskMetrics } from '../train/taskMetrics.ts';
import { Trainer, type TrainerState } from '../train/trainer.ts';
import type { StepMetrics } from '../train/metrics.ts';
import { DeviceLost } from './errors.ts';
import type { LoadedModel } from './loadedModel.ts';
import { traceable } from './modelOnGpu.ts';
import { batchesInOrder, collateFor, largestBatch } from './runBatches.ts';
import { RunStopped, type RunControl } from './runControl.ts';

export class RunDiverged extends Error {
  override readonly name = 'RunDiverged';
  constructor(
    readonly step: number,
    readonly what: 'loss' | 'gradient norm',
  ) {
    super(
      `The ${what} of step ${step} is not a finite number, so the run was stopped. Lower learning_rate, or look at the rows of that step.`,
    );
  }
}

export interface EvaluationPoint {
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
  /** of a classifier */
  readonly metrics?: TaskMetrics;
}

export interface TrainingEvents {
  onProgress?(phase: 'upload' | 'compile' | 'first-step', done: number, total: number): void;
  /** one for each optimizer step, in order */
  onStep?(metrics: StepMetrics & { readonly epoch: number; readonly tokens: number }): void;
  onEvaluation?(point: EvaluationPoint): void;
  /** the state after `state.step`; awaited before training goes on */
  onCheckpoint?(state: TrainerState, evalLoss: number | undefined): Promise<void>;
  /** where the method moves ranks: the rank of each module by its path, about a hundred times in a run */
  onRanks?(step: number, ranks: ReadonlyMap<string, number>): void;
  onPace?(step: number, total: number, tokensPerSecond: number, secondsLeft: number): void;
}

export interface TrainingInput {
  readonly gpu: Gpu;
  readonly model: LoadedModel;
  readonly adapter: Adapter;
  /** numbers of every parameter at the start */
  readonly initial: ReadonlyMap<string, Float32Array<ArrayBuffer>>;
  readonly rows: readonly EncodedRow[];
  readonly evalRows: readonly EncodedRow[];
  readonly settings: TrainingSettings;
  readonly resumeFrom?: TrainerState;
}

export interface TrainingResult {
  readonly stepsDone: number;
  readonly totalSteps: number;
  readonly outcome: 'finished' | 'stopped';
  /** the trained numbers by parameter name */
  readonly values: Map<string, Float32Array>;
}

/**
 * Trains an adapter from the first (or the resumed) step to the last. Evaluates before the first step, every evalSteps and at the end
 * where there are evaluation rows. Ends early at `control.stop()`, also while it prepares; a step half done is then thrown away.
 * Throws RunDiverged at the first loss or norm that is not finite, and DeviceLost before the next submit to a lost GPU.
 */
export async function trainAdapter(
  input: TrainingInput,
  control: RunControl,
  events: TrainingEvents,
): Promise<TrainingResult> {
  const { gpu, model, adapter, settings } = input;
  const total = totalSteps(input.rows.length, settings);
  const space = new ParameterSpace(gpu, adapter.parameters, [
    'parameters',
    'gradients',
    'firstMoments',
    'secondMoments',
  ]);
  let trainer: Trainer | undefined;
  try {
    for (const [name, values] of input.initial) space.write('parameters', name, values);
    const onUpload = (done: number, all: number) => events.onProgress?.('upload', done, all);
    const without = unreadTensors(model.checkpoint.description, adapter.hooks);
    const weights = await model.weightsOn(gpu, { without, onProgress: onUpload, signal: control.signal });
    trainer = new Trainer(
      gpu,
      weights,
      traceable(model, adapter),
      adapter,
      space,
      settings,
      input.resumeFrom?.step ?? 0,
    );
    if (input.resumeFrom) trainer.restore(input.resumeFrom);
    const outcome = await trainWith(trainer, input, control, events, total);
    const trained = { parameters: await space.read('parameters'), states: await space.readStates() };
    return { ...outcome, totalSteps: total, values: valuesOfSnapshot(adapter.parameters, trained, input.initial) };
  } catch (error) {
    if (!(error instanceof RunStopped)) throw error;
    const values = input.resumeFrom
      ? valuesOfSnapshot(adapter.parameters, input.resumeFrom, input.initial)
      : new Map(input.initial);
    return { stepsDone: input.resumeFrom?.step ?? 0, totalSteps: total, outcome: 'stopped', values };
  } finally {
    trainer?.destroy();
    space.destroy();
  }
}

async function trainWith(
  trainer: Trainer,
  input: TrainingInput,
  control: RunControl,
  events: TrainingEvents,
  total: number,
): Promise<Pick<TrainingResult, 'stepsDone' | 'outcome'>> {
  const { submitter } = trainer.runtime;
  let lost: DeviceLost | undefined;
  void input.gpu.device.lost.then((info) => (lost = DeviceLost.of(info)));
  submitter.gate = async () => {
    await control.gate();
    if (lost) throw lost;
  };
  const largest = await largestBatch([...input.rows, ...input.evalRows], input.settings.batchSize, input.model);
  await trainer.prepare(largest, input.evalRows.length > 0, (done, all) => events.onProgress?.('compile', done, all));
  const outcome = await new TrainingLoop(input, trainer, control, events, total).run();
  submitter.gate = undefined;
  return outcome;
}

class TrainingLoop {
  readonly #total: number;
  readonly #input: TrainingInput;
  readonly #trainer: Trainer;
  readonly #control: RunControl;
  readonly #events: TrainingEvents;
  readonly #plan: BatchPlan;
  readonly #warmup: number;
  /** optimizer steps that the parameters have taken */
  #done: number;
  /** steps done at the last checkpoint */
  #saved: number;
  #tokens = 0;
  #diverged: RunDiverged | undefined;
  #lastEvaluation: EvaluationPoint | undefined;

  constructor(input: TrainingInput, trainer: Trainer, control: RunControl, events: TrainingEvents, total: number) {
    this.#input = input;
    this.#trainer = trainer;
    this.#control = control;
    this.#events = events;
    this.#total = total;
    this.#plan = planBatches({ rows: input.rows.length, ...input.settings });
    this.#warmup = warmupSteps(input.settings, total);
    this.#done = input.resumeFrom?.step ?? 0;
    this.#saved = this.#done;
  }

  async run(): Promise<{ stepsDone: number; outcome: 'finished' | 'stopped' }> {
    const first = this.#done + 1;
    const { evalSteps } = this.#input.settings;
    try {
      if (first === 1) await this.#evaluate(0);
      const started = performance.now();
      for (let step = first; step <= this.#total; step++) {
        await this.#step(step);
        if (step === first) this.#report(await this.#trainer.flush());
        this.#tellPace(step, first, started);
        await this.#tellRanks(step);
        const isLast = step === this.#total;
        if (isLast || (evalSteps > 0 && step % evalSteps === 0)) await this.#evaluate(step);
        if (isLast || this.#isCheckpoint(step)) await this.#checkpoint(step);
      }
      return { stepsDone: this.#done, outcome: 'finished' };
    } catch (error) {
      if (!(error instanceof RunStopped)) throw error;
      this.#trainer.runtime.submitter.gate = undefined;
      if (this.#done > this.#saved) await this.#checkpoint(this.#done);
      else this.#report(await this.#trainer.flush());
      return { stepsDone: this.#done, outcome: 'stopped' };
    }
  }

  async #step(step: number): Promise<void> {
    const { settings } = this.#input;
    const batches = await this.#batches(step);
    for (const batch of batches) this.#tokens += batch.lengths.reduce((sum, length) => sum + length, 0);
    if (this.#done === (this.#input.resumeFrom?.step ?? 0)) this.#events.onProgress?.('first-step', 0, 1);
    await this.#trainer.step(batches, step, this.#learningRate(step, settings));
    this.#done = step;
    this.#trainer.poll((metrics) => this.#record(metrics));
    if (this.#diverged) throw this.#diverged;
  }

  #learningRate(step: number, settings: TrainingSettings): number {
    const schedule = {
      type: settings.lrSchedulerType,
      learningRate: settings.learningRate,
      warmupSteps: this.#warmup,
      totalSteps: this.#total,
    };
    return learningRateAt(schedule, step - 1);
  }

  /** The micro-batches of an optimizer step: a function of seed and step alone, so that a resumed run sees the same rows. */
  #batches(step: number): Promise<Batch[]> {
    const { rows, model } = this.#input;
    const batches = this.#plan.microBatches(step - 1).map((indices) => indices.flatMap((index) => rows[index] ?? []));
    return Promise.all(batches.map((batch) => collateFor(model, batch)));
  }

  #isCheckpoint(step: number): boolean {
    const every = this.#input.settings.saveSteps || Math.max(1, Math.ceil(this.#total / 10));
    return step % every === 0;
  }

  async #checkpoint(step: number): Promise<void> {
    this.#saved = step;
    this.#report(await this.#trainer.flush());
    const evalLoss = this.#lastEvaluation?.step === step ? this.#lastEvaluation.loss : undefined;
    await this.#events.onCheckpoint?.(await this.#trainer.snapshot(step), evalLoss);
  }

  async #evaluate(step: number): Promise<void> {
    const { evalRows, settings } = this.#input;
    if (evalRows.length === 0) return;
    const { loss, metrics } = await this.#trainer.evaluate(
      batchesInOrder(evalRows, settings.batchSize, this.#input.model),
    );
    // the steps that led here are told first
    this.#report(await this.#trainer.flush());
    this.#lastEvaluation = { step, epoch: step / this.#plan.stepsPerEpoch, loss, metrics };
    this.#events.onEvaluation?.(this.#lastEvaluation);
  }

  #report(metrics: readonly StepMetrics[]): void {
    this.#record(metrics);
    if (this.#diverged) throw this.#diverged;
  }

  #record(metrics: readonly StepMetrics[]): void {
    for (const point of metrics) {
      if (!point.isFinite && !this.#diverged)
        this.#diverged = new RunDiverged(point.step, Number.isFinite(point.loss) ? 'gradient norm' : 'loss');
      if (this.#diverged && point.step >= this.#diverged.step) continue;
      const epoch = point.step / this.#plan.stepsPerEpoch;
      // the GPU's copy of the rate is rounded to f32
      const learningRate = this.#learningRate(point.step, this.#input.settings);
      this.#events.onStep?.({ ...point, learningRate, epoch, tokens: this.#tokens });
    }
  }

  async #tellRanks(step: number): Promise<void> {
    const { ranks } = this.#input.adapter;
    if (!ranks || !this.#events.onRanks || (step % Math.ceil(this.#total / 100) !== 0 && step !== this.#total)) return;
    this.#events.onRanks(step, ranks.ranksOf(await this.#trainer.readParameter(ranks.parameter)));
  }

  #tellPace(step: number, first: number, started: number): void {
    const seconds = (performance.now() - started) / 1000 - this.#control.secondsPaused;
    const steps = step - first + 1;
    this.#events.onPace?.(
      step,
      this.#total,
      this.#tokens / Math.max(1e-3, seconds),
      ((this.#total - step) * seconds) / steps,
    );
  }
}
