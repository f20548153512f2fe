import type { Gpu } from '../gpu/device.ts';
import { readBack } from '../gpu/transfer.ts';
import { UserError } from '../formats/errors.ts';
import { neutralStep } from '../graph/interpret.ts';
import { metricsRing } from '../graph/ops/recordMetrics.ts';
import type { StepParameters } from '../graph/op.ts';
import { Runtime } from '../models/runtime.ts';
import { roomBehind, virtualTokens } from '../models/virtualTokens.ts';
import type { WeightStore } from '../models/weightStore.ts';
import type { ParameterSpace } from '../peft/parameterSpace.ts';
import type { Batch } from '../data/collate.ts';
import { MetricsReader, type StepMetrics } from './metrics.ts';
import { ParameterGroups } from './parameterGroups.ts';
import type { TrainingSettings } from './settings.ts';
import { lossInputs } from './lossInputs.ts';
import { Predictions } from './predictions.ts';
import type { TaskMetrics } from './taskMetrics.ts';
import { isClassifier, lossShape, traceLoss, type LossModel, type LossShape } from './traceLoss.ts';
import { traceOptimizer, type OptimizerHooks } from './traceOptimizer.ts';

/** What an unbroken run needs to go on exactly where it stood: the flat spaces after an optimizer step. */
export interface TrainerState {
  readonly step: number;
  readonly parameters: Float32Array<ArrayBuffer>;
  readonly firstMoments: Float32Array<ArrayBuffer>;
  readonly secondMoments: Float32Array<ArrayBuffer>;
  /** parameters of role 'state' */
  readonly states: Float32Array<ArrayBuffer>;
}

/** What a model makes of rows that it does not learn from. */
export interface Evaluation {
  readonly loss: number;
  /** share of the targets that have the highest logit */
  readonly accuracy: number;
  readonly targets: number;
  /** of a classifier */
  readonly metrics?: TaskMetrics;
}

/** Runs optimizer steps and evaluations of one model with one adapter. Knows tensors, not files or schedules. */
export class Trainer {
  readonly runtime: Runtime;
  readonly #gpu: Gpu;
  readonly #model: LossModel;
  readonly #space: ParameterSpace;
  readonly #method: OptimizerHooks;
  readonly #settings: TrainingSettings;
  readonly #groups: ParameterGroups;
  readonly #metrics: MetricsReader;

  constructor(
    gpu: Gpu,
    weights: WeightStore,
    model: LossModel,
    method: OptimizerHooks,
    space: ParameterSpace,
    settings: TrainingSettings,
    stepsDone: number,
  ) {
    this.#gpu = gpu;
    this.#model = model;
    this.#method = method;
    this.#space = space;
    this.#settings = settings;
    this.#groups = new ParameterGroups(space.layout, settings, stepsDone);
    this.runtime = new Runtime(gpu, weights, space);
    this.#writeGroups();
    this.runtime.state('lossSum', 4);
    const ring = this.runtime.state('ring', metricsRing.slots * metricsRing.width * 4);
    this.#metrics = new MetricsReader(gpu, ring, stepsDone);
  }

  /** Compiles and allocates for the largest batch first, so that nothing has to grow later. */
  async prepare(largest: Batch, evaluates: boolean, onCompiled?: (done: number, total: number) => void): Promise<void> {
    await this.#prepareLoss(this.#shapeOf(largest), true, onCompiled);
    if (evaluates) await this.#prepareLoss(this.#shapeOf(largest), false, onCompiled);
    await this.#prepareOptimizer(onCompiled);
  }

  /**
   * One optimizer step over its micro-batches: the loss is the sum over target tokens of all of them ÷ their number. Resolves when the
   * work is submitted; the figures come from `poll` and `flush`.
   * @param step from 1
   */
  async step(batches: readonly Batch[], step: number, learningRate: number): Promise<void> {
    const targets = batches.reduce((sum, batch) => sum + batch.targetCount, 0);
    const parameters: StepParameters = {
      ...neutralStep,
      seed: this.#settings.seed,
      step,
      inverseTargets: 1 / Math.max(1, targets),
      learningRate,
      weightDecay: this.#settings.weightDecay,
      maxGradNorm: this.#settings.maxGradNorm,
    };
    for (const [microBatch, batch] of batches.entries()) {
      const shape = this.#shapeOf(batch);
      const key = await this.#prepareLoss(shape, true);
      await this.runtime.replay(key, lossInputs(batch, shape, this.#model, true), { ...parameters, microBatch });
    }
    const key = await this.#prepareOptimizer();
    await this.runtime.replay(key, this.#optimizerInputs(step), parameters, true);
    await this.#metrics.catchUp(step);
  }

  /** Figures recorded since the last call, as soon as the GPU has them. */
  poll(onMetrics: (metrics: StepMetrics[]) => void): void {
    this.#metrics.poll(onMetrics);
  }

  flush(): Promise<StepMetrics[]> {
    return this.#metrics.flush();
  }

  /**
   * Mean loss and share of right guesses over all targets of the batches, without changing anything.
   * @param onLogits a classifier's logits of each batch, see Predictions
   */
  async evaluate(
    batches: Iterable<Batch> | AsyncIterable<Batch>,
    onLogits?: (logits: Float32Array, batch: Batch) => void,
  ): Promise<Evaluation> {
    let sum = 0;
    let hits = 0;
    let targets = 0;
    const predictions = isClassifier(this.#model.description) ? new Predictions(this.#model.description) : undefined;
    for await (const batch of batches) {
      const shape = this.#shapeOf(batch);
      const key = await this.#prepareLoss(shape, false);
      await this.runtime.replay(key, lossInputs(batch, shape, this.#model, false), neutralStep);
      sum += await this.#takeSum('lossSum');
      hits += await this.#takeSum('hitSum');
      targets += batch.targetCount;
      if (!predictions) continue;
      const logits = await this.#readLogits(key, batch);
      predictions.add(logits, batch);
      onLogits?.(logits, batch);
    }
    const count = Math.max(1, targets);
    return { loss: sum / count, accuracy: hits / count, targets, metrics: predictions?.metrics() };
  }

  async #readLogits(key: string, batch: Batch): Promise<Float32Array> {
    const { outputSize } = this.#model.description;
    const rows = batch.targetValues ? batch.batchSize : batch.targetCount;
    const logits = new Float32Array(rows * outputSize);
    let filled = 0;
    for (const output of this.runtime.outputs(key)) {
      const range = this.runtime.program(key).range(output);
      const chunk = new Float32Array(await readBack(this.#gpu.device, range, this.#gpu.wait));
      logits.set(chunk.subarray(0, logits.length - filled), filled);
      filled += chunk.length;
    }
    return logits;
  }

  /** The state after `step`; waits for the GPU. */
  async snapshot(step: number): Promise<TrainerState> {
    const parameters = await this.#space.read('parameters');
    const firstMoments = await this.#space.read('firstMoments');
    const secondMoments = await this.#space.read('secondMoments');
    return { step, parameters, firstMoments, secondMoments, states: await this.#space.readStates() };
  }

  /** A parameter's numbers as they stand; waits for the GPU. */
  readParameter(name: string): Promise<Float32Array<ArrayBuffer>> {
    return this.#space.readParameter(name);
  }

  restore(state: TrainerState): void {
    this.#space.writeAll('parameters', state.parameters);
    this.#space.writeAll('firstMoments', state.firstMoments);
    this.#space.writeAll('secondMoments', state.secondMoments);
    this.#space.writeStates(state.states);
  }

  destroy(): void {
    this.#metrics.destroy();
    this.runtime.destroy();
  }

  async #prepareLoss(
    shape: LossShape,
    gradients: boolean,
    onCompiled?: (done: number, total: number) => void,
  ): Promise<string> {
    const key = `${gradients ? 'train' : 'evaluate'}:${shape.batch}:${shape.tokens}:${shape.decoderTokens ?? 0}:${shape.labelRows}`;
    const checkpointing = this.#settings.gradientCheckpointing;
    await this.runtime.prepare(key, () => traceLoss(this.#model, shape, { gradients, checkpointing }), onCompiled);
    return key;
  }

  async #prepareOptimizer(onCompiled?: (done: number, total: number) => void): Promise<string> {
    const key = 'optimizer';
    const trace = () => traceOptimizer(this.#space.layout, this.#groups.count, this.#method);
    await this.runtime.prepare(key, () => ({ graph: trace(), outputs: [] }), onCompiled);
    return key;
  }

  #shapeOf(batch: Batch): LossShape {
    const longest = batch.lengths.reduce((most, length) => Math.max(most, length), 0);
    const { positions, adapter } = this.#model;
    const room = positions - virtualTokens(adapter);
    if (longest > room)
      throw new UserError(
        `max_length: a row has ${longest} tokens, and ${roomBehind(adapter, positions)}. Set max_length to ${room} or less.`,
      );
    const { bindingLimit } = this.#gpu.description;
    const { outputSize } = this.#model.description;
    const shape = lossShape(batch.batchSize, batch.tokens, batch.targetCount, outputSize, bindingLimit);
    return { ...shape, decoderTokens: batch.decoder?.tokens };
  }

  async #takeSum(state: string): Promise<number> {
    const [sum = NaN] = new Float32Array(
      await readBack(this.#gpu.device, { ...this.runtime.state(state, 4), size: 4 }, this.#gpu.wait),
    );
    this.runtime.clearState(state);
    return sum;
  }

  #writeGroups(): void {
    this.#space.layout.pieces.forEach((piece, i) => {
      const blocks = this.#groups.blocks(piece);
      const range = this.runtime.state(`groups.${i}`, blocks.byteLength);
      this.#gpu.device.queue.writeBuffer(range.buffer, range.offset, blocks);
    });
  }

  #optimizerInputs(step: number): Map<string, Uint32Array> {
    const bits = (values: Float32Array<ArrayBuffer>) => new Uint32Array(values.buffer);
    return new Map([
      ['rates', bits(this.#groups.rates(step))],
      ['one', bits(Float32Array.of(1))],
      ...(this.#method.afterStep?.inputs(step) ?? []),
    ]);
  }
}
