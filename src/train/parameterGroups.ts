import { adamConstants, groupBlock, groupWidth } from '../graph/ops/adamW.ts';
import type { ParameterSpec } from '../peft/method.ts';
import type { Piece, SpaceLayout } from '../peft/parameterSpace.ts';
import type { TrainingSettings } from './settings.ts';

type RateFactor = NonNullable<ParameterSpec['rateFactor']>;

const plain: RateFactor = () => 1;

/** What a factor may depend on beside the step: the learning rate before its schedule, and the seed. */
type RunConstants = Pick<TrainingSettings, 'learningRate' | 'seed'>;

/**
 * The parameter groups of torch.optim.AdamW: parameters that share a learning-rate factor. Each group counts the updates it took, so
 * that one that is frozen for a while has the bias corrections of its own t.
 */
export class ParameterGroups {
  readonly #layout: SpaceLayout;
  readonly #factors: readonly RateFactor[];
  readonly #updates: number[];
  readonly #run: RunConstants;
  #step = 0;

  /**
   * @param stepsDone optimizer steps that lie behind
   */
  constructor(layout: SpaceLayout, run: RunConstants, stepsDone: number) {
    this.#layout = layout;
    this.#run = run;
    this.#factors = [...new Set([plain, ...layout.slots.map(({ spec }) => spec.rateFactor ?? plain)])];
    this.#updates = this.#factors.map(() => 0);
    while (this.#step < stepsDone) this.rates(this.#step + 1);
  }

  get count(): number {
    return this.#factors.length;
  }

  /** Whether a group may be frozen at some step: then its gradients are dropped. */
  get hasOwnRates(): boolean {
    return this.#factors.length > 1;
  }

  /** The group of each block of a piece of the flat space. */
  blocks({ offset, size }: Piece): Uint32Array<ArrayBuffer> {
    const groups = new Uint32Array(Math.ceil(size / groupBlock));
    for (const { spec, offset: start, size: length } of this.#layout.slots) {
      const group = this.#factors.indexOf(spec.rateFactor ?? plain);
      const first = Math.max(0, Math.floor((start - offset) / groupBlock));
      groups.fill(group, first, Math.max(first, Math.ceil((start + length - offset) / groupBlock)));
    }
    return groups;
  }

  /** The rates [count, 4] of the op `adamW` for a step, which must follow the one before. */
  rates(step: number): Float32Array<ArrayBuffer> {
    if (step !== this.#step + 1) throw new Error(`step ${step} does not follow step ${this.#step}`);
    this.#step = step;
    const rates = new Float32Array(this.#factors.length * groupWidth);
    this.#factors.forEach((factor, group) => {
      const value = factor(step, this.#run.learningRate, this.#run.seed);
      const updates = (this.#updates[group] = (this.#updates[group] ?? 0) + (value === 0 ? 0 : 1));
      const t = Math.max(1, updates);
      rates.set([value, 1, 1 - adamConstants.beta1 ** t, 1 - adamConstants.beta2 ** t], group * groupWidth);
    });
    return rates;
  }
}
