import type { Gpu } from '../gpu/device.ts';
import type { BufferRange, Dispatch } from '../gpu/kernel.ts';
import type { Pipeline } from '../gpu/pipelines.ts';
import type { DispatchPlan, StepParameters, TensorBinding, Word } from './op.ts';
import type { Plan } from './plan.ts';
import { sizeOf, storageOf, type Tensor } from './tensor.ts';

/** Where the leaves of a graph lie on the GPU. */
export interface Leaves {
  /** the range of a weight's plane in a shard; of a parameter's shard; of an input or a state (shard 0, plane 0) */
  range(tensor: Tensor, shard: number, plane: number): BufferRange;
}

/** Activation buffers shared by all programs of a run: each program uses them alone while it runs. */
export class Arenas {
  readonly #gpu: Gpu;
  #buffers: GPUBuffer[] = [];
  #replaced = 0;

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  /** How many buffers had to be replaced by larger ones so far: a program bound before the last of them is stale. */
  get replaced(): number {
    return this.#replaced;
  }

  /** Makes sure that buffer i holds sizes[i] bytes. */
  reserve(sizes: readonly number[]): void {
    sizes.forEach((size, i) => {
      const existing = this.#buffers[i];
      if (existing && existing.size >= size) return;
      if (existing) {
        this.#gpu.memory.destroy(existing);
        this.#replaced++;
      }
      this.#buffers[i] = this.#gpu.memory.create(
        'activations',
        `arena ${i}`,
        size,
        GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
      );
    });
  }

  buffer(index: number): GPUBuffer {
    const buffer = this.#buffers[index];
    if (!buffer) throw new Error(`arena ${index} is not reserved`);
    return buffer;
  }

  destroy(): void {
    for (const buffer of this.#buffers) this.#gpu.memory.destroy(buffer);
    this.#buffers = [];
  }
}

/** A plan bound to buffers: a list that is replayed step after step without allocating or deciding anything. */
export class Program {
  readonly dispatches: readonly Dispatch[];
  readonly #locate: (tensor: Tensor) => BufferRange;

  private constructor(
    dispatches: readonly Dispatch[],
    locate: (tensor: Tensor) => BufferRange,
    private readonly owned: readonly GPUBuffer[],
  ) {
    this.dispatches = dispatches;
    this.#locate = locate;
  }

  /** Compiles what is not compiled yet, fills the uniform slots and makes the bind groups. */
  static async bind(
    gpu: Gpu,
    plan: Plan,
    arenas: Arenas,
    leaves: Leaves,
    step: BufferRange,
    onCompiled?: (done: number, total: number) => void,
  ): Promise<Program> {
    const specs = new Map(plan.dispatches.map((dispatch) => [JSON.stringify(dispatch.kernel), dispatch.kernel]));
    const compiled = await gpu.pipelines.getAll([...specs.values()], onCompiled);
    const pipelines = new Map([...specs.keys()].map((key, i) => [key, compiled[i]]));
    arenas.reserve(plan.bufferSizes);
    const uniforms = new UniformSlots(gpu, plan.dispatches);
    const dummy = uniforms.dummy();
    const locate = (binding: TensorBinding): BufferRange => {
      const storage = storageOf(binding.tensor);
      const offset = storage.offset * 4 + (binding.offset ?? 0);
      const placement = plan.placements.get(storage.tensor);
      if (placement) {
        const size = binding.size ?? sizeOf(binding.tensor.shape) * 4;
        return { buffer: arenas.buffer(placement.buffer), offset: placement.offset + offset, size: Math.max(4, size) };
      }
      const range = leaves.range(leafOf(plan, storage.tensor), binding.shard ?? 0, binding.plane ?? 0);
      const isPart = binding.offset !== undefined || binding.size !== undefined || storage.offset > 0;
      return isPart
        ? {
            buffer: range.buffer,
            offset: range.offset + offset,
            size: binding.size ?? sizeOf(binding.tensor.shape) * 4,
          }
        : range;
    };
    const dispatches = plan.dispatches.map((dispatch, index): Dispatch => {
      const pipeline = pipelines.get(JSON.stringify(dispatch.kernel));
      if (!pipeline) throw new Error(`kernel ${dispatch.kernel.module} was not compiled`);
      return {
        label: dispatch.label ?? dispatch.kernel.module,
        pipeline: pipeline.pipeline,
        bindGroup: bindGroup(gpu.device, pipeline, dispatch, uniforms.slot(index), step, dummy, locate),
        grid: dispatch.grid,
        flops: dispatch.flops,
      };
    });
    return new Program(dispatches, (tensor) => locate({ tensor }), [uniforms.buffer, dummy.buffer]);
  }

  /** Gives back the uniform slots; the arenas and the leaves belong to others. */
  destroy(gpu: Gpu): void {
    for (const buffer of this.owned) gpu.memory.destroy(buffer);
  }

  /** Where a tensor kept as an output of the plan lies. */
  range(tensor: Tensor): BufferRange {
    return this.#locate(tensor);
  }
}

/** In-place results on a state or another leaf share its bytes. */
function leafOf(plan: Plan, tensor: Tensor): Tensor {
  return plan.aliases.get(tensor) ?? tensor;
}

function bindGroup(
  device: GPUDevice,
  pipeline: Pipeline,
  dispatch: DispatchPlan,
  uniform: BufferRange,
  step: BufferRange,
  dummy: BufferRange,
  locate: (binding: TensorBinding) => BufferRange,
): GPUBindGroup {
  const entries = [...pipeline.bindings.keys()].map((binding): GPUBindGroupEntry => {
    if (binding === 0) return { binding, resource: uniform };
    if (binding === 9) return { binding, resource: step };
    const operand = dispatch.bindings[binding];
    return { binding, resource: operand ? locate(operand) : dummy };
  });
  return device.createBindGroup({ label: dispatch.label ?? pipeline.key, layout: pipeline.layout, entries });
}

/** One uniform slot for each distinct parameter block, filled once. */
class UniformSlots {
  readonly buffer: GPUBuffer;
  readonly #slots: readonly number[];
  readonly #slotSize: number;
  readonly #dummyBuffer: GPUBuffer;

  constructor(gpu: Gpu, dispatches: readonly DispatchPlan[]) {
    const { slots, slotSize, count } = slotsOf(dispatches, gpu.uniformAlignment);
    this.#slots = slots;
    this.#slotSize = slotSize;
    const bytes = new DataView(new ArrayBuffer(count * slotSize));
    dispatches.forEach((dispatch, i) => writeWords(bytes, (this.#slots[i] ?? 0) * this.#slotSize, dispatch.params));
    const { UNIFORM, COPY_DST } = GPUBufferUsage;
    this.buffer = gpu.memory.create('parameters', 'uniform slots', bytes.byteLength, UNIFORM | COPY_DST);
    gpu.device.queue.writeBuffer(this.buffer, 0, bytes.buffer);
    this.#dummyBuffer = gpu.memory.create('parameters', 'absent operand', dummyBytes, GPUBufferUsage.STORAGE);
  }

  slot(index: number): BufferRange {
    return { buffer: this.buffer, offset: (this.#slots[index] ?? 0) * this.#slotSize, size: this.#slotSize };
  }

  dummy(): BufferRange {
    return { buffer: this.#dummyBuffer, offset: 0, size: dummyBytes };
  }
}

/** Bytes of what stands in for an operand that a kernel does without. */
const dummyBytes = 256;

/** Bytes of the parameter blocks of a plan's dispatches, once it is bound. */
export function parameterBytes({ dispatches }: Plan, uniformAlignment: number): number {
  const { slotSize, count } = slotsOf(dispatches, uniformAlignment);
  return slotSize * count + dummyBytes;
}

/** The slot of each dispatch: those with the same parameters share one. */
function slotsOf(dispatches: readonly DispatchPlan[], uniformAlignment: number) {
  const longest = Math.max(1, ...dispatches.map((dispatch) => dispatch.params.length));
  const slotSize = Math.ceil((longest * 4) / uniformAlignment) * uniformAlignment;
  const indexByBlock = new Map<string, number>();
  const slots = dispatches.map((dispatch) => {
    const key = JSON.stringify(dispatch.params);
    const known = indexByBlock.get(key) ?? indexByBlock.size;
    indexByBlock.set(key, known);
    return known;
  });
  return { slots, slotSize, count: indexByBlock.size };
}

function writeWords(view: DataView, offset: number, words: readonly Word[]): void {
  words.forEach((word, i) => {
    const at = offset + 4 * i;
    if (typeof word === 'number') view.setUint32(at, word, true);
    else if ('f' in word) view.setFloat32(at, word.f, true);
    else view.setInt32(at, word.i, true);
  });
}

export const stepParameterBytes = 32;

/** The bytes of shaders/step.wgsl's StepParameters. */
export function encodeStepParameters(step: StepParameters): ArrayBuffer {
  const view = new DataView(new ArrayBuffer(stepParameterBytes));
  writeWords(view, 0, [
    step.seed,
    step.step,
    step.microBatch,
    step.queryOffset,
    { f: step.inverseTargets },
    { f: step.learningRate },
    { f: step.weightDecay },
    { f: step.maxGradNorm },
  ]);
  return view.buffer;
}
