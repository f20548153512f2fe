import type { Batch } from '../data/collate.ts';
import type { ModelDescription } from '../models/family.ts';
import { classMetrics, valueMetrics, type TaskMetrics } from './taskMetrics.ts';

/** A classifier's logits over an evaluation beside what was wanted, and the figures they come to. */
export class Predictions {
  readonly #description: ModelDescription;
  readonly #logits: Float32Array[] = [];
  readonly #wanted: ArrayLike<number>[] = [];
  /** of each word, counted over all batches */
  readonly #texts: number[] = [];
  #textCount = 0;

  constructor(description: ModelDescription) {
    this.#description = description;
  }

  /** @param logits [rows, outputSize] of a batch, a row for each of its targets, or of the batch where values are learned */
  add(logits: Float32Array, { targetValues, labelTargets, labelRows, tokens, batchSize }: Batch): void {
    this.#logits.push(logits);
    this.#wanted.push(targetValues ?? labelTargets);
    for (const row of labelRows) this.#texts.push(this.#textCount + Math.floor(row / tokens));
    this.#textCount += batchSize;
  }

  metrics(): TaskMetrics {
    const { problemType = 'single_label_classification', outputSize, task, labelNames: names = [] } = this.#description;
    const [logits, wanted] = [joined(this.#logits), joined(this.#wanted)];
    const words = task === 'TOKEN_CLS' ? { names, texts: this.#texts } : undefined;
    return problemType === 'single_label_classification'
      ? classMetrics(logits, wanted, outputSize, words)
      : valueMetrics(logits, wanted, outputSize, problemType);
  }
}

function joined(parts: readonly ArrayLike<number>[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const part of parts) {
    all.set(part, end);
    end += part.length;
  }
  return all;
}
