import { ignoredLabel, type EncodedRow } from '../data/encodeRow.ts';
import { UserError } from '../formats/errors.ts';
import type { Gpu } from '../gpu/device.ts';
import { readBack } from '../gpu/transfer.ts';
import { neutralStep } from '../graph/interpret.ts';
import { Runtime } from '../models/runtime.ts';
import { matrixOf } from '../peft/algebra/matrix.ts';
import type { RowInputs } from '../peft/method.ts';
import { lossInputs } from '../train/lossInputs.ts';
import { lossShape } from '../train/traceLoss.ts';
import { traceLinearInputs, type LinearInput } from '../train/traceLinearInputs.ts';
import type { OnProgress } from './api.ts';
import type { LoadedModel } from './loadedModel.ts';
import { traceable } from './modelOnGpu.ts';
import { collateFor } from './runBatches.ts';

/** What linears of the untouched model read on the rows of a run: one forward pass for each batch. */
export class GpuRowInputs implements RowInputs {
  readonly batches: number;
  readonly #gpu: Gpu;
  readonly #model: LoadedModel;
  readonly #rows: readonly EncodedRow[];
  readonly #batchSize: number;
  readonly #runtime: Runtime;
  readonly #onProgress: OnProgress | undefined;
  readonly #traced = new Map<string, readonly LinearInput[]>();
  #read = 0;

  private constructor(
    runtime: Runtime,
    model: LoadedModel,
    rows: readonly EncodedRow[],
    batchSize: number,
    onProgress: OnProgress | undefined,
  ) {
    this.batches = Math.ceil(rows.length / batchSize);
    this.#gpu = runtime.gpu;
    this.#runtime = runtime;
    this.#model = model;
    this.#rows = rows;
    this.#batchSize = batchSize;
    this.#onProgress = onProgress;
  }

  /** Loads the weights. Throws a UserError where rows are not one text each. */
  static async open(
    gpu: Gpu,
    model: LoadedModel,
    rows: readonly EncodedRow[],
    batchSize: number,
    onProgress?: OnProgress,
  ): Promise<GpuRowInputs> {
    const { image, traceEncoder } = model.checkpoint.description;
    if (image || traceEncoder)
      throw new UserError(
        'init_lora_weights: eva reads rows of one text each, and this model reads images, or a source and a target. Give another start, such as pissa.',
      );
    const onUpload = (done: number, total: number) => onProgress?.({ phase: 'upload', done, total, unit: 'bytes' });
    const weights = await model.weightsOn(gpu, { onProgress: onUpload });
    return new GpuRowInputs(new Runtime(gpu, weights), model, rows, batchSize, onProgress);
  }

  async read(
    index: number,
    modules: readonly string[],
    learnedOnly: boolean,
    use: Parameters<RowInputs['read']>[3],
  ): Promise<void> {
    this.#read++;
    this.#tell(0); // how many it takes is not known: until what is looked for stays where it is
    const rows = this.#rows.slice(index * this.#batchSize, (index + 1) * this.#batchSize);
    const batch = await collateFor(this.#model, rows);
    const traced = traceable(this.#model);
    const { batchSize, tokens } = batch;
    const shape = lossShape(batchSize, tokens, 1, 1, this.#gpu.description.bindingLimit);
    const key = `${batchSize}:${tokens}`;
    await this.#runtime.prepare(key, () => {
      const found = traceLinearInputs(traced, { batch: batchSize, tokens }, new Set(modules));
      this.#traced.set(key, found.inputs);
      return found;
    });
    await this.#runtime.replay(key, lossInputs(batch, shape, traced, false), neutralStep);
    const kept = keptTokens(rows, tokens, learnedOnly);
    for (const { paths, tensor, width } of this.#traced.get(key) ?? []) {
      const range = this.#runtime.program(key).range(tensor);
      const read = new Float32Array(await readBack(this.#gpu.device, range, this.#gpu.wait));
      const chosen = new Float32Array(kept.length * width);
      kept.forEach((token, i) => chosen.set(read.subarray(token * width, (token + 1) * width), i * width));
      use(paths, matrixOf(kept.length, width, chosen));
    }
  }

  close(): void {
    this.#tell(this.#read);
    this.#runtime.destroy();
  }

  #tell(total: number): void {
    this.#onProgress?.({ phase: 'start', done: this.#read, total, unit: 'batches' });
  }
}

/** Flat positions b·T + t of the tokens that count. */
function keptTokens(rows: readonly EncodedRow[], tokens: number, learnedOnly: boolean): number[] {
  return rows.flatMap(({ ids, labels, target }, row) => {
    const byToken = target === undefined || target.kind === 'tokenClasses';
    const places = Array.from(ids.keys());
    const counted = learnedOnly && byToken ? places.filter((t) => labels[t] !== ignoredLabel) : places;
    return counted.map((t) => row * tokens + t);
  });
}
