import type { Gpu } from '../gpu/device.ts';
import type { BufferRange } from '../gpu/kernel.ts';
import { metricsRing } from '../graph/ops/recordMetrics.ts';

/** What the GPU recorded of one optimizer step. */
export interface StepMetrics {
  readonly step: number;
  readonly loss: number;
  /** before clipping */
  readonly gradNorm: number;
  readonly isFinite: boolean;
  readonly learningRate: number;
  /** the method's penalty; 0 where it has none */
  readonly regLoss: number;
}

/** Reads the ring that the GPU writes a slot of each step, without any step waiting for it. */
export class MetricsReader {
  readonly #gpu: Gpu;
  readonly #ring: BufferRange;
  readonly #staging: GPUBuffer;
  #pending: Promise<StepMetrics[]> | undefined;
  #lastStep: number;

  /** @param firstStep steps up to this one are known already */
  constructor(gpu: Gpu, ring: BufferRange, firstStep: number) {
    this.#gpu = gpu;
    this.#ring = ring;
    this.#lastStep = firstStep;
    const { COPY_DST, MAP_READ } = GPUBufferUsage;
    this.#staging = gpu.memory.create('staging', 'metrics', ring.size, COPY_DST | MAP_READ);
  }

  /**
   * Asks for the ring unless an earlier request is still under way. The metrics that are new go to `onMetrics`, in order of steps. A
   * request that fails (the device was lost, the run has ended) tells nothing: the next `flush` fails too, or nobody asks.
   */
  poll(onMetrics: (metrics: StepMetrics[]) => void): void {
    if (this.#pending) return;
    this.#read().then(onMetrics, () => undefined);
  }

  /** Everything recorded by the work submitted so far that no `poll` has told or is about to tell. */
  async flush(): Promise<StepMetrics[]> {
    await this.#pending;
    return this.#read();
  }

  /** Waits for the request under way where so many steps were recorded since that the ring would soon be overwritten. */
  async catchUp(step: number): Promise<void> {
    if (step - this.#lastStep >= metricsRing.slots - 2) await this.#pending;
  }

  destroy(): void {
    this.#gpu.memory.destroy(this.#staging);
  }

  #read(): Promise<StepMetrics[]> {
    const reading = this.#map().finally(() => {
      this.#pending = undefined;
    });
    this.#pending = reading;
    return reading;
  }

  async #map(): Promise<StepMetrics[]> {
    const { device } = this.#gpu;
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(this.#ring.buffer, this.#ring.offset, this.#staging, 0, this.#ring.size);
    device.queue.submit([encoder.finish()]);
    await this.#gpu.wait(this.#staging.mapAsync(GPUMapMode.READ));
    const numbers = new Float32Array(this.#staging.getMappedRange().slice(0));
    this.#staging.unmap();
    const metrics: StepMetrics[] = [];
    for (let slot = 0; slot < metricsRing.slots; slot++) {
      const figures = numbers.subarray(slot * metricsRing.width);
      const [step = 0, loss = NaN, gradNorm = NaN, isFinite = 0, learningRate = 0, regLoss = 0] = figures;
      if (step > this.#lastStep)
        metrics.push({ step, loss, gradNorm, isFinite: isFinite === 1, learningRate, regLoss });
    }
    metrics.sort((a, b) => a.step - b.step);
    this.#lastStep = metrics.at(-1)?.step ?? this.#lastStep;
    return metrics;
  }
}
