import type { Gpu } from '../gpu/device.ts';
import type { BufferRange } from '../gpu/kernel.ts';
import { Submitter } from '../gpu/submission.ts';
import type { Graph } from '../graph/graph.ts';
import type { LoweringContext, StepParameters } from '../graph/op.ts';
import { planGraph, type Plan } from '../graph/plan.ts';
import { Arenas, encodeStepParameters, Program, stepParameterBytes, type Leaves } from '../graph/program.ts';
import { sizeOf, type Tensor } from '../graph/tensor.ts';
import { shardsOf, type WeightStore } from './weightStore.ts';

export type SpaceName = 'parameters' | 'gradients' | 'firstMoments' | 'secondMoments';

/** Where the adapter's parameters lie, and what training keeps beside them under the same indices. */
export interface ParameterRanges {
  range(space: SpaceName, parameter: string): BufferRange;
  /** a stretch of a space that one dispatch can bind */
  piece(space: SpaceName, index: number): BufferRange;
}

export interface Traced {
  readonly graph: Graph;
  /** tensors that stay readable after a replay */
  readonly outputs: readonly Tensor[];
}

interface Prepared {
  readonly plan: Plan;
  readonly outputs: readonly Tensor[];
}

interface Cached extends Prepared {
  readonly program: Program;
  readonly generation: number;
}

/** What a kernel may assume of the device; the same on every run on it, because splits along outputs must not move within one. */
export function loweringContext(description: { bindingLimit: number; isSoftware: boolean }): LoweringContext {
  return {
    bindingLimit: description.bindingLimit,
    flopsPerDispatch: Submitter.flopsPerDispatch(description.isSoftware),
    shards: (tensor) => shardsOf(tensor, description.bindingLimit),
  };
}

/**
 * Holds one model's programs, the arenas they share, and the small buffers that feed them. A program is made once for a key
 * (mode and shapes) and replayed from then on.
 */
export class Runtime {
  readonly gpu: Gpu;
  readonly submitter: Submitter;
  readonly #weights: WeightStore;
  readonly #space: ParameterRanges | undefined;
  readonly #arenas: Arenas;
  readonly #programs = new Map<string, Cached>();
  readonly #buffers = new Map<string, BufferRange>();
  readonly #step: BufferRange;
  #statesReplaced = 0;

  constructor(gpu: Gpu, weights: WeightStore, space?: ParameterRanges) {
    this.gpu = gpu;
    this.#weights = weights;
    this.#space = space;
    this.submitter = new Submitter(gpu.device, gpu.description.isSoftware, gpu.wait);
    this.#arenas = new Arenas(gpu);
    const { UNIFORM, COPY_DST } = GPUBufferUsage;
    const buffer = gpu.memory.create('parameters', 'step parameters', stepParameterBytes, UNIFORM | COPY_DST);
    this.#step = { buffer, offset: 0, size: stepParameterBytes };
  }

  /** Makes the program for this key unless it stands already, and binds it anew where a buffer that it uses had to grow since. */
  async prepare(key: string, trace: () => Traced, onCompiled?: (done: number, total: number) => void): Promise<void> {
    const known = this.#programs.get(key);
    if (known?.generation === this.#generation) return;
    const { plan, outputs } = known ?? this.#plan(trace());
    this.#programs.delete(key);
    known?.program.destroy(this.gpu);
    const program = await this.gpu.memory.checked('the activations of a step', () =>
      Program.bind(this.gpu, plan, this.#arenas, this.#leaves(), this.#step, onCompiled),
    );
    this.#programs.set(key, { plan, outputs, program, generation: this.#generation });
  }

  /**
   * Uploads the inputs and step parameters and replays the program. Resolves when it is submitted.
   * @param isWhole see Submitter.replay
   */
  async replay(
    key: string,
    inputs: ReadonlyMap<string, Uint32Array>,
    step: StepParameters,
    isWhole = false,
  ): Promise<void> {
    const { program } = this.#cached(key);
    const { queue } = this.gpu.device;
    await this.submitter.ready();
    for (const [name, data] of inputs) {
      const range = this.#buffers.get(inputKey(name, data.byteLength));
      if (range) queue.writeBuffer(range.buffer, range.offset, data);
    }
    queue.writeBuffer(this.#step.buffer, 0, encodeStepParameters(step));
    await this.submitter.replay(program.dispatches, isWhole);
  }

  program(key: string): Program {
    return this.#cached(key).program;
  }

  outputs(key: string): readonly Tensor[] {
    return this.#cached(key).outputs;
  }

  /** A buffer that outlives the step, zeroed when it is made: on first use, and anew where more bytes are asked for than it has. */
  state(name: string, bytes: number): BufferRange {
    const key = `state:${name}`;
    const known = this.#buffers.get(key);
    if (known && known.size < bytes) {
      this.gpu.memory.destroy(known.buffer);
      this.#buffers.delete(key);
      this.#statesReplaced++;
    }
    return this.#buffer(key, bytes);
  }

  clearState(name: string): void {
    const range = this.#buffers.get(`state:${name}`);
    if (range) this.gpu.device.queue.writeBuffer(range.buffer, 0, new Uint8Array(range.size));
  }

  destroy(): void {
    this.#arenas.destroy();
    for (const { buffer } of [...this.#buffers.values(), this.#step]) this.gpu.memory.destroy(buffer);
    for (const { program } of this.#programs.values()) program.destroy(this.gpu);
    this.#programs.clear();
    this.#buffers.clear();
  }

  /** Changes whenever a buffer was replaced, which leaves the programs bound to it stale. */
  get #generation(): number {
    return this.#arenas.replaced + this.#statesReplaced;
  }

  #plan({ graph, outputs }: Traced): Prepared {
    const { description } = this.gpu;
    return { plan: planGraph(graph, outputs, loweringContext(description), description.maxBufferSize), outputs };
  }

  #cached(key: string): Cached {
    const cached = this.#programs.get(key);
    if (cached?.generation !== this.#generation) throw new Error(`program ${key} is not prepared`);
    return cached;
  }

  #leaves(): Leaves {
    return {
      range: (tensor, shard, plane) => {
        const { origin } = tensor;
        const bytes = sizeOf(tensor.shape) * 4;
        switch (origin.kind) {
          case 'weight':
            return this.#weights.range(origin.name, shard, plane);
          case 'parameter':
            return this.#shard(this.#ofSpace('parameters', origin.name), tensor, shard);
          case 'input':
            return this.#buffer(inputKey(origin.name, bytes), bytes);
          case 'state':
            return this.#stateRange(origin.name, bytes);
          default:
            throw new Error(`a tensor of kind ${origin.kind} is no leaf`);
        }
      },
    };
  }

  /**
   * 'gradient:NAME' is the parameter's place in the gradient space, 'parameter:NAME' the parameter itself, writable, 'SPACE.N' a piece of
   * a space; any other state has a buffer of its own.
   */
  #stateRange(name: string, bytes: number): BufferRange {
    const one = partOfSpace.exec(name);
    if (one?.[2] !== undefined) return this.#ofSpace(one[1] === 'gradient' ? 'gradients' : 'parameters', one[2]);
    const piece = pieceOfSpace.exec(name);
    if (piece && this.#space) return this.#space.piece(piece[1] as SpaceName, Number(piece[2]));
    return this.state(name, bytes);
  }

  #ofSpace(space: SpaceName, parameter: string): BufferRange {
    if (!this.#space) throw new Error(`${parameter} needs a parameter space`);
    return this.#space.range(space, parameter);
  }

  #shard(range: BufferRange, tensor: Tensor, index: number): BufferRange {
    const shard = shardsOf(tensor, this.gpu.description.bindingLimit)[index];
    const [rows = 1] = tensor.shape;
    if (!shard || shard.rowCount === rows) return range;
    const rowBytes = range.size / rows;
    return { buffer: range.buffer, offset: range.offset + shard.rowStart * rowBytes, size: shard.rowCount * rowBytes };
  }

  #buffer(key: string, bytes: number): BufferRange {
    const known = this.#buffers.get(key);
    if (known) return known;
    const { STORAGE, COPY_DST, COPY_SRC } = GPUBufferUsage;
    const buffer = this.gpu.memory.create('inputs', key, bytes, STORAGE | COPY_DST | COPY_SRC);
    const range = { buffer, offset: 0, size: buffer.size };
    this.#buffers.set(key, range);
    return range;
  }
}

const partOfSpace = /^(gradient|parameter):(.*)$/s;
const pieceOfSpace = /^(parameters|gradients|firstMoments|secondMoments)\.(\d+)$/;

/** Bytes of the buffers that a Runtime makes for the inputs of these plans and for the states that lie in no space. */
export function fedBytes(plans: readonly Plan[]): number {
  const buffers = new Map<string, number>();
  for (const { leaves } of plans)
    for (const { origin, shape } of leaves) {
      const bytes = sizeOf(shape) * 4;
      if (origin.kind === 'input') buffers.set(inputKey(origin.name, bytes), bytes);
      if (origin.kind !== 'state' || partOfSpace.test(origin.name) || pieceOfSpace.test(origin.name)) continue;
      const key = `state:${origin.name}`;
      buffers.set(key, Math.max(bytes, buffers.get(key) ?? 0));
    }
  return [...buffers.values()].reduce((sum, bytes) => sum + bytes, 0);
}

function inputKey(name: string, bytes: number): string {
  return `input:${name}:${bytes}`;
}
