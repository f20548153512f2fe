import type { DispatchPlan, LoweringContext } from './op.ts';
import type { Graph } from './graph.ts';
import { opDefinition } from './ops/registry.ts';
import { placeStorages, type Placement, type Storage } from './arena.ts';
import { sizeOf, storageOf, type OpNode, type Tensor } from './tensor.ts';
import { copyDispatches } from './copy.ts';

/** A tensor that no binding or buffer of this device can hold, in an op that cannot be split. */
export class TensorTooLarge extends Error {
  override readonly name = 'TensorTooLarge';
}

export interface Plan {
  /** in execution order */
  readonly dispatches: readonly DispatchPlan[];
  /** where each activation lies: by the tensor that owns the bytes (never a view) */
  readonly placements: ReadonlyMap<Tensor, Placement>;
  /** bytes of each arena buffer: indexes are Placement.buffer */
  readonly bufferSizes: readonly number[];
  /** leaves that the dispatches read or write */
  readonly leaves: ReadonlySet<Tensor>;
  /** results that are written into a leaf: the state that an op updates in place */
  readonly aliases: ReadonlyMap<Tensor, Tensor>;
}

/**
 * Turns a traced graph into dispatches over planned memory. Ops that nothing reads are dropped (ops that write a state are kept);
 * ops that may work in place do where the operand dies there; the rest of the activations share a few arena buffers by lifetime,
 * such that no dispatch writes a buffer that it also reads. Pure: nothing is allocated.
 * Throws TensorTooLarge where an op must bind a tensor whole that exceeds the binding limit, or an activation exceeds a buffer.
 * @param outputs tensors that stay readable after the last dispatch
 */
export function planGraph(
  graph: Graph,
  outputs: readonly Tensor[],
  context: LoweringContext,
  maxBufferSize: number,
): Plan {
  const nodes = liveNodes(graph, outputs);
  const owner = new Owners();
  const lastUse = lastUses(nodes, outputs);
  const dispatches: DispatchPlan[] = [];
  const positions: { reads: Tensor[]; writes: Tensor[] }[] = [];
  const leaves = new Set<Tensor>();
  const aliases = new Map<Tensor, Tensor>();

  const emit = (plans: readonly DispatchPlan[], reads: readonly Tensor[], writes: readonly Tensor[]) => {
    for (const plan of plans) requireBindable(plan, context.bindingLimit);
    dispatches.push(...plans);
    positions.push({ reads: reads.map((t) => owner.of(t)), writes: writes.map((t) => owner.of(t)) });
    for (const tensor of [...reads, ...writes]) if (owner.of(tensor).origin.kind !== 'op') leaves.add(owner.of(tensor));
  };

  nodes.forEach((node, index) => {
    const definition = opDefinition(node.op);
    const inputs = node.inputs.filter((input): input is Tensor => input !== undefined);
    const writtenStates = (definition.writes ?? []).flatMap((i) => node.inputs[i] ?? []);
    const { inPlace } = definition;
    const operand = inPlace && node.inputs[inPlace.input];
    const result = node.outputs[0];
    if (inPlace && operand && result && sizeOf(operand.shape) === sizeOf(result.shape)) {
      const others = node.inputs.filter((input, i) => input && i !== inPlace.input);
      const shared = others.some((other) => other && owner.of(other) === owner.of(operand));
      const dies =
        owner.of(operand).origin.kind === 'op' &&
        lastUse(owner.group(operand)) <= index &&
        covers(operand, owner.of(operand));
      if (inPlace.always || (dies && !shared)) owner.join(result, operand);
      else emit(copyDispatches(operand, result, context), [operand], [result]);
    }
    for (const output of node.outputs) if (owner.of(output).origin.kind !== 'op') aliases.set(output, owner.of(output));
    const written = [...node.outputs, ...writtenStates];
    const reads = inputs.filter((input) => !written.some((output) => owner.of(output) === owner.of(input)));
    emit(
      definition.lower(node, context).map((plan) => ({ ...plan, label: plan.label ?? node.label })),
      definition.readsOwnOutputs ? [...reads, ...node.outputs] : reads,
      written,
    );
  });

  const storages = collectStorages(
    positions,
    outputs.map((output) => owner.of(output)),
  );
  for (const { key, bytes } of storages)
    if (bytes > maxBufferSize) throw new TensorTooLarge(tooLarge(nameOf(key), key, 'a buffer', maxBufferSize));
  const placed = placeStorages(storages, maxBufferSize);
  const placements = new Map<Tensor, Placement>();
  for (const [tensor, placement] of placed.placements)
    for (const member of owner.group(tensor)) placements.set(member, placement);
  return { dispatches, placements, bufferSizes: placed.bufferSizes, leaves, aliases };
}

/** Matrices of weights are bound by shards that fit; any other binding without a size takes the whole tensor. */
function requireBindable({ bindings, kernel, label }: DispatchPlan, bindingLimit: number): void {
  for (const binding of Object.values(bindings)) {
    if (!binding || binding.size !== undefined || binding.shard !== undefined) continue;
    const { tensor } = binding;
    if (sizeOf(tensor.shape) * 4 > bindingLimit)
      throw new TensorTooLarge(tooLarge(label ?? kernel.module, tensor, 'a binding', bindingLimit));
  }
}

function nameOf({ origin }: Tensor): string {
  return origin.kind === 'op' ? origin.node.label : origin.kind;
}

function tooLarge(where: string, { shape }: Tensor, what: string, limit: number): string {
  return `${where} works on [${shape.join(', ')}], ${sizeOf(shape) * 4} bytes, and ${what} of this GPU holds ${limit}.`;
}

/** Which tensor's storage each tensor uses: its own, or that of the operand it was computed in. */
class Owners {
  readonly #owner = new Map<Tensor, Tensor>();
  readonly #members = new Map<Tensor, Tensor[]>();

  of(tensor: Tensor): Tensor {
    const root = storageOf(tensor).tensor;
    return this.#owner.get(root) ?? root;
  }

  group(tensor: Tensor): readonly Tensor[] {
    const root = this.of(tensor);
    return this.#members.get(root) ?? [root];
  }

  join(tensor: Tensor, operand: Tensor): void {
    const root = this.of(operand);
    this.#owner.set(tensor, root);
    this.#members.set(root, [...this.group(root), tensor]);
  }
}

function covers(view: Tensor, owner: Tensor): boolean {
  return sizeOf(view.shape) === sizeOf(owner.shape);
}

function liveNodes(graph: Graph, outputs: readonly Tensor[]): OpNode[] {
  const needed = new Set(outputs.map((output) => storageOf(output).tensor));
  const live: OpNode[] = [];
  for (const node of graph.nodes.toReversed()) {
    const { inPlace, writes } = opDefinition(node.op);
    const hasEffect = inPlace?.always === true || (writes?.length ?? 0) > 0;
    if (!hasEffect && !node.outputs.some((output) => needed.has(output))) continue;
    for (const input of node.inputs) if (input) needed.add(storageOf(input).tensor);
    live.push(node);
  }
  return live.reverse();
}

function lastUses(nodes: readonly OpNode[], outputs: readonly Tensor[]): (group: readonly Tensor[]) => number {
  const last = new Map<Tensor, number>();
  nodes.forEach((node, index) => {
    for (const input of node.inputs) if (input) last.set(storageOf(input).tensor, index);
  });
  for (const output of outputs) last.set(storageOf(output).tensor, Infinity);
  return (group) => Math.max(...group.map((tensor) => last.get(tensor) ?? -1));
}

function collectStorages(
  positions: readonly { reads: Tensor[]; writes: Tensor[] }[],
  kept: readonly Tensor[],
): Storage<Tensor>[] {
  const storages = new Map<Tensor, Storage<Tensor> & { conflicts: Set<Tensor> }>();
  const touch = (tensor: Tensor, index: number) => {
    const known = storages.get(tensor);
    if (known) known.last = index;
    else
      storages.set(tensor, {
        key: tensor,
        bytes: sizeOf(tensor.shape) * 4,
        first: index,
        last: index,
        conflicts: new Set(),
      });
  };
  positions.forEach(({ reads, writes }, index) => {
    const isArena = (tensor: Tensor) => tensor.origin.kind === 'op';
    const readHere = reads.filter(isArena);
    const writtenHere = writes.filter(isArena);
    for (const tensor of [...readHere, ...writtenHere]) touch(tensor, index);
    for (const read of readHere)
      for (const written of writtenHere) {
        storages.get(read)?.conflicts.add(written);
        storages.get(written)?.conflicts.add(read);
      }
  });
  for (const tensor of kept) {
    const storage = storages.get(tensor);
    if (storage) storage.last = positions.length;
  }
  return [...storages.values()];
}
