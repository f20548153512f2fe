import type { FormatName } from '../quant/format.ts';
import { opDefinition } from './ops/registry.ts';
import { sameShape, sizeOf, type DType, type OpNode, type Shape, type Tensor, type TensorSpec } from './tensor.ts';

/** A stretch of ops whose inner activations are dropped after the forward pass and recomputed in the backward pass. */
export interface Segment {
  readonly start: number;
  end: number;
}

/** A traced computation: a list of ops in execution order over tensors of static shape. */
export class Graph {
  readonly nodes: OpNode[] = [];
  readonly segments: Segment[] = [];
  readonly #leaves = new Map<string, Tensor>();
  #nextId = 0;
  #scope: string[] = [];

  /** Uploaded for each step. */
  input(name: string, shape: Shape, dtype: DType): Tensor {
    return this.#leaf(`input:${name}`, { shape, dtype }, { kind: 'input', name });
  }

  /** A frozen tensor of the model, by its Hugging Face name. */
  weight(name: string, shape: Shape, format: FormatName): Tensor {
    return this.#leaf(`weight:${name}`, { shape, dtype: 'f32' }, { kind: 'weight', name, format });
  }

  /** A tensor of the parameter space, by the name it has in the adapter file. */
  parameter(name: string, shape: Shape, trainable = true): Tensor {
    return this.#leaf(`parameter:${name}`, { shape, dtype: 'f32' }, { kind: 'parameter', name, trainable });
  }

  /** A buffer that outlives the step. */
  state(name: string, shape: Shape, dtype: DType = 'f32'): Tensor {
    return this.#leaf(`state:${name}`, { shape, dtype }, { kind: 'state', name });
  }

  /** Contiguous elements of `tensor` from `offset` on, under another shape. No copy; offset × 4 bytes must be a multiple of 256. */
  view(tensor: Tensor, shape: Shape, offset = 0): Tensor {
    if (offset + sizeOf(shape) > sizeOf(tensor.shape))
      throw new Error(`view [${shape.join(', ')}] at ${offset} leaves its tensor [${tensor.shape.join(', ')}]`);
    if (offset % 64 !== 0) throw new Error(`view offset ${offset} is not a multiple of 64 elements`);
    if (offset === 0 && sameShape(shape, tensor.shape)) return tensor;
    return this.#tensor({ shape, dtype: tensor.dtype }, { kind: 'view', of: tensor, offset });
  }

  reshape(tensor: Tensor, shape: Shape): Tensor {
    if (sizeOf(shape) !== sizeOf(tensor.shape))
      throw new Error(`cannot reshape [${tensor.shape.join(', ')}] to [${shape.join(', ')}]`);
    return this.view(tensor, shape);
  }

  /** The same numbers as a constant: no gradient passes through. */
  detach(tensor: Tensor): Tensor {
    return this.#tensor(tensor, { kind: 'view', of: tensor, offset: 0, isDetached: true });
  }

  /** Adds an op and returns its outputs. */
  apply(
    op: string,
    inputs: readonly (Tensor | undefined)[],
    attributes: Readonly<Record<string, unknown>> = {},
  ): Tensor[] {
    const specs = opDefinition(op).infer(inputs, attributes);
    const outputs: Tensor[] = [];
    const node: OpNode = { op, inputs, outputs, attributes, label: this.#scope.join('.') || op };
    specs.forEach((spec, output) => outputs.push(this.#tensor(spec, { kind: 'op', node, output })));
    this.nodes.push(node);
    return outputs;
  }

  /** Adds an op with one output. */
  one(op: string, inputs: readonly (Tensor | undefined)[], attributes: Readonly<Record<string, unknown>> = {}): Tensor {
    const [output] = this.apply(op, inputs, attributes);
    if (!output) throw new Error(`op ${op} has no output`);
    return output;
  }

  /** Names the ops that `body` adds, for profiles and errors. */
  scoped<T>(name: string, body: () => T): T {
    this.#scope.push(name);
    try {
      return body();
    } finally {
      this.#scope.pop();
    }
  }

  /** Marks the ops that `body` adds as one checkpoint segment. */
  segment<T>(body: () => T): T {
    const segment: Segment = { start: this.nodes.length, end: this.nodes.length };
    const result = body();
    segment.end = this.nodes.length;
    this.segments.push(segment);
    return result;
  }

  leaves(): Iterable<Tensor> {
    return this.#leaves.values();
  }

  #leaf(key: string, spec: TensorSpec, origin: Tensor['origin']): Tensor {
    const known = this.#leaves.get(key);
    if (known) {
      if (!sameShape(known.shape, spec.shape))
        throw new Error(`${key} is used as [${known.shape.join(', ')}] and as [${spec.shape.join(', ')}]`);
      return known;
    }
    const tensor = this.#tensor(spec, origin);
    this.#leaves.set(key, tensor);
    return tensor;
  }

  #tensor(spec: TensorSpec, origin: Tensor['origin']): Tensor {
    return { id: this.#nextId++, shape: spec.shape, dtype: spec.dtype, origin };
  }
}
