import { UserError } from '../formats/errors.ts';
import { readBack } from '../gpu/transfer.ts';
import { Graph } from '../graph/graph.ts';
import { neutralStep } from '../graph/interpret.ts';
import { ModelBuilder, type WeightCatalog } from '../models/builder.ts';
import { type AdapterHooks } from '../models/hooks.ts';
import type { ModelDescription } from '../models/family.ts';
import { maskInputs } from '../models/positionMasks.ts';
import type { Runtime, Traced } from '../models/runtime.ts';
import { roomBehind, virtualTokens } from '../models/virtualTokens.ts';
import { sampleToken, type SamplingOptions } from './sampling.ts';

/** Prompt tokens read at a time. */
const prefillTokens = 32;
/** The key-value cache grows by this many positions. */
const cacheBucket = 128;

export interface GeneratorModel {
  readonly description: ModelDescription;
  readonly catalog: WeightCatalog;
  readonly adapter?: AdapterHooks;
  readonly positions: number;
}

export interface GenerateOptions extends SamplingOptions {
  readonly maxNewTokens: number;
  /** ids that end the reply; they are not part of it */
  readonly stopIds: ReadonlySet<number>;
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly onToken?: (id: number) => void;
}

export interface Generated {
  readonly ids: number[];
  readonly stopped: 'end-of-turn' | 'length' | 'cancelled';
}

/** Writes text with a key-value cache: the prompt in chunks, then token by token, on the same packed weights as training. */
export class Generator {
  readonly #runtime: Runtime;
  readonly #model: GeneratorModel;
  /** the text that an encoder has read: its tokens, and the positions of the memory of it */
  #source: { readonly length: number; readonly positions: number } | undefined;

  constructor(runtime: Runtime, model: GeneratorModel) {
    this.#runtime = runtime;
    this.#model = model;
  }

  /** Logits [vocabSize] after the last of `ids`. Throws a UserError where they are more than the model takes. */
  async logits(ids: readonly number[]): Promise<Float32Array> {
    this.#roomFor(ids.length);
    const start = await this.#begin(ids);
    return this.#feed(start, 0, this.#capacity(start.length));
  }

  /**
   * The reply to a prompt. Stops at a stop id, after maxNewTokens, where the model's positions end, or when the signal says so.
   * Throws a UserError where the prompt alone is more than the model takes.
   */
  async generate(prompt: readonly number[], options: GenerateOptions): Promise<Generated> {
    const room = this.#roomFor(prompt.length);
    const newTokens = Math.min(options.maxNewTokens, this.#model.description.traceEncoder ? this.#roomFor(1) : room);
    const start = await this.#begin(prompt);
    const capacity = this.#capacity(start.length + newTokens);
    const random = uniformStream(options.seed);
    const ids: number[] = [];
    let logits = await this.#feed(start, 0, capacity);
    while (ids.length < newTokens) {
      if (options.signal?.aborted) return { ids, stopped: 'cancelled' };
      const id = sampleToken(logits, options, random);
      if (options.stopIds.has(id)) return { ids, stopped: 'end-of-turn' };
      ids.push(id);
      options.onToken?.(id);
      if (ids.length < newTokens) logits = await this.#feed([id], start.length + ids.length - 1, capacity);
    }
    return { ids, stopped: 'length' };
  }

  /**
   * What the first logits follow: the prompt, or where an encoder reads that, the id that the decoder starts from. The encoder's work is
   * kept for every token that comes.
   */
  async #begin(prompt: readonly number[]): Promise<readonly number[]> {
    const { description } = this.#model;
    if (!description.traceEncoder) return prompt;
    const virtual = this.#model.adapter?.prompt?.tokens ?? 0;
    const tokens = Math.ceil(prompt.length / prefillTokens) * prefillTokens;
    this.#source = { length: virtual + prompt.length, positions: virtual + tokens };
    const key = `encode:${tokens}`;
    await this.#runtime.prepare(key, () => this.#traceEncoder(tokens, virtual + tokens));
    const inputs = new Map([
      ['ids', Uint32Array.from({ length: tokens }, (_, i) => prompt[i] ?? 0)],
      ['keyLengths', Uint32Array.of(virtual + prompt.length)],
    ]);
    await this.#runtime.replay(key, inputs, neutralStep);
    return [description.decoderStartTokenId ?? 0];
  }

  #traceEncoder(tokens: number, memory: number): Traced {
    const graph = new Graph();
    const builder = new ModelBuilder({
      graph,
      ...this.#model,
      mode: { kind: 'encode', memory },
      isTraining: false,
      batch: 1,
      tokens,
    });
    this.#model.description.traceEncoder?.(builder, graph.input('ids', [1, tokens], 'u32'));
    return { graph, outputs: [] };
  }

  /** Runs tokens that stand from `position` on; returns the logits after the last. */
  async #feed(ids: readonly number[], position: number, capacity: number): Promise<Float32Array> {
    const width = ids.length === 1 ? 1 : prefillTokens;
    const key = `generate:${width}:${capacity}:${this.#source?.positions ?? 0}`;
    await this.#runtime.prepare(key, () => this.#trace(width, capacity, 'ids'));
    if (position === 0) await this.#readPrompt(capacity);
    for (let start = 0; start < ids.length; start += width) {
      const part = ids.slice(start, start + width);
      const before = this.#promptTokens + position + start;
      const inputs = new Map([
        [this.#source ? 'decoderIds' : 'ids', Uint32Array.from({ length: width }, (_, i) => part[i] ?? 0)],
        ['lastRow', Uint32Array.of(part.length - 1)],
        ...this.#places(before, width, part.length),
        // a method touches positions of the prompt, not of the answer
        ...maskInputs(this.#model.adapter?.masks, [position === 0 ? ids.length : 0], start, width),
      ]);
      await this.#runtime.replay(key, inputs, { ...neutralStep, queryOffset: before });
    }
    const [logits] = this.#runtime.outputs(key);
    if (!logits) throw new Error('the program has no logits');
    const { device, wait } = this.#runtime.gpu;
    return new Float32Array(await readBack(device, this.#runtime.program(key).range(logits), wait));
  }

  /** Puts the adapter's prompt into the cache, in front of the first token. */
  async #readPrompt(capacity: number): Promise<void> {
    const tokens = this.#promptTokens;
    if (tokens === 0) return;
    const key = `generate:prompt:${capacity}`;
    await this.#runtime.prepare(key, () => this.#trace(tokens, capacity, 'prompt'));
    const inputs = new Map([['lastRow', Uint32Array.of(tokens - 1)], ...this.#places(0, tokens, tokens)]);
    await this.#runtime.replay(key, inputs, neutralStep);
  }

  /** Where rows stand that come after `before` others. */
  #places(before: number, width: number, count: number): [string, Uint32Array<ArrayBuffer>][] {
    const first = (this.#model.adapter?.prefix?.tokens ?? 0) + before;
    return [
      ['positionIds', Uint32Array.from({ length: width }, (_, i) => Math.min(first + i, this.#model.positions - 1))],
      [this.#source ? 'decoderLengths' : 'keyLengths', Uint32Array.of(before + count)],
      ...(this.#source
        ? [['keyLengths', Uint32Array.of(this.#source.length)] as [string, Uint32Array<ArrayBuffer>]]
        : []),
    ];
  }

  /** In front of what is fed; beside an encoder they stand in front of its source. */
  get #promptTokens(): number {
    const { description, adapter } = this.#model;
    return description.traceEncoder ? 0 : (adapter?.prompt?.tokens ?? 0);
  }

  /** Positions left behind the adapter's virtual tokens and `tokens` others. */
  #roomFor(tokens: number): number {
    const { adapter, positions } = this.#model;
    const room = positions - virtualTokens(adapter) - tokens;
    if (room < 0)
      throw new UserError(`The text has ${tokens} tokens, and ${roomBehind(adapter, positions)}. Shorten it.`);
    return room;
  }

  #trace(tokens: number, capacity: number, reads: 'ids' | 'prompt'): Traced {
    const graph = new Graph();
    const { description } = this.#model;
    const builder = new ModelBuilder({
      graph,
      ...this.#model,
      mode: { kind: 'cached', capacity, reads, memory: this.#source?.positions },
      isTraining: false,
      batch: 1,
      tokens,
    });
    const hidden = description.traceBody(builder, graph.input('ids', [1, tokens], 'u32'));
    const rows = graph.reshape(hidden, [tokens, description.hiddenSize]);
    const last = graph.one('gatherRows', [rows, graph.input('lastRow', [1], 'u32')]);
    return { graph, outputs: [builder.head(last)] };
  }

  #capacity(tokens: number): number {
    return Math.ceil((this.#promptTokens + tokens) / cacheBucket) * cacheBucket;
  }
}

/** Uniform numbers in [0, 1): mulberry32. */
function uniformStream(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
