import { UserError } from '../formats/errors.ts';
import { Generator } from '../generate/generator.ts';
import { Runtime } from '../models/runtime.ts';
import { ParameterSpace } from '../peft/parameterSpace.ts';
import { createStreamingDecoder } from '../tokenizer/streamingDecoder.ts';
import type { AdapterRoom } from './adapterRoom.ts';
import type { GenerateRequest, GenerateResult } from './api.ts';
import { encodePrompt } from './chat.ts';
import type { LoadedModel } from './loadedModel.ts';
import type { Machine } from './machine.ts';
import { attachAdapter } from './preparedRun.ts';

interface Voice {
  readonly generator: Generator;
  readonly runtime: Runtime;
  readonly space: ParameterSpace;
}

/** Answers prompts with the base model and with adapters on it: the weights are shared, a switch rebinds and loads nothing. */
export class Playground {
  readonly #machine: Machine;
  readonly #adapters: AdapterRoom;
  readonly #voices = new Map<string, Voice>();
  #model: LoadedModel | undefined;
  #abort: AbortController | undefined;

  constructor(machine: Machine, adapters: AdapterRoom) {
    this.#machine = machine;
    this.#adapters = adapters;
  }

  async generate(
    model: LoadedModel,
    request: GenerateRequest,
    onText: (delta: string) => void,
  ): Promise<GenerateResult> {
    if (this.#abort) throw new UserError('Another answer is being written. Wait for it or stop it.');
    const abort = new AbortController();
    this.#abort = abort;
    try {
      const prompt = encodePrompt(model, request.messages, request.raw);
      const { generator } = await this.#voice(model, request.adapterId);
      const decoder = createStreamingDecoder(model.tokenizer, { skipSpecialTokens: true });
      let text = '';
      const emit = (delta: string) => {
        text += delta;
        if (delta) onText(delta);
      };
      const started = performance.now();
      const { ids, stopped } = await generator.generate(prompt, {
        ...request,
        stopIds: model.stopIds(),
        signal: abort.signal,
        onToken: (id) => emit(decoder.push(id)),
      });
      emit(decoder.flush());
      const seconds = Math.max(1e-3, (performance.now() - started) / 1000);
      return {
        text,
        promptTokens: prompt.length,
        newTokens: ids.length,
        tokensPerSecond: ids.length / seconds,
        stopped,
      };
    } finally {
      this.#abort = undefined;
    }
  }

  cancel(): void {
    this.#abort?.abort();
  }

  /** Frees what the answers took on the GPU. */
  clear(): void {
    for (const { runtime, space } of this.#voices.values()) {
      runtime.destroy();
      space.destroy();
    }
    this.#voices.clear();
    this.#model = undefined;
  }

  async #voice(model: LoadedModel, adapterId: string | undefined): Promise<Voice> {
    if (this.#model !== model) this.clear();
    this.#model = model;
    const key = adapterId ?? 'base';
    const known = this.#voices.get(key);
    if (known) return known;
    const attached =
      adapterId === undefined ? undefined : await attachAdapter(model, await this.#adapters.files(adapterId));
    const gpu = await this.#machine.gpu();
    const weights = await model.weightsOn(gpu);
    const space = new ParameterSpace(gpu, attached?.adapter.parameters ?? [], ['parameters']);
    for (const [name, values] of attached?.values ?? []) space.write('parameters', name, values);
    const { description, catalog } = model.checkpoint;
    const runtime = new Runtime(gpu, weights, space);
    const generator = new Generator(runtime, {
      description,
      catalog,
      adapter: attached?.adapter.hooks,
      positions: model.positions,
    });
    const voice = { generator, runtime, space };
    this.#voices.set(key, voice);
    return voice;
  }
}
