import { UserError } from '../formats/errors.ts';
import { Generator } from '../generate/generator.ts';
import type { Gpu } from '../gpu/device.ts';
import { Runtime } from '../models/runtime.ts';
import type { ParameterSpace } from '../peft/parameterSpace.ts';
import { isClassifier } from '../train/traceLoss.ts';
import { createStreamingDecoder } from '../tokenizer/streamingDecoder.ts';
import type { AdapterRoom } from './adapterRoom.ts';
import type { GenerateRequest, GenerateResult } from './api.ts';
import { encodePrompt } from './chat.ts';
import type { LoadedModel } from './loadedModel.ts';
import type { Machine } from './machine.ts';
import { putOnGpu } from './modelOnGpu.ts';
import { attachAdapter } from './preparedRun.ts';
import { quantisationOfChoice } from './quantisationFields.ts';
import { onTrainedWeights } from './quantisedModels.ts';

/** Adapters (and the base model) that stay on the GPU at a time. */
const mostVoices = 3;

interface Voice {
  readonly generator: Generator;
  readonly runtime: Runtime;
  readonly space: ParameterSpace;
}

/**
 * Answers prompts with the base model and with adapters on it: the weights are shared, a switch rebinds and loads nothing unless the
 * adapters were trained on weights that were quantised otherwise.
 */
export class Playground {
  readonly #machine: Machine;
  readonly #adapters: AdapterRoom;
  readonly #voices = new Map<string, Voice>();
  #model: LoadedModel | undefined;
  #gpu: Gpu | undefined;
  #answering: { readonly abort: AbortController; readonly ended: Promise<unknown> } | undefined;

  constructor(machine: Machine, adapters: AdapterRoom) {
    this.#machine = machine;
    this.#adapters = adapters;
  }

  async generate(
    model: LoadedModel,
    request: GenerateRequest,
    onText: (delta: string) => void,
  ): Promise<GenerateResult> {
    if (this.#answering) throw new UserError('Another answer is being written. Wait for it or stop it.');
    const abort = new AbortController();
    const answer = this.#answer(model, request, onText, abort.signal);
    this.#answering = { abort, ended: answer.catch(() => undefined) };
    try {
      return await answer;
    } finally {
      abort.abort(); // what goes on behind a lost GPU ends too
      this.#answering = undefined;
    }
  }

  cancel(): void {
    this.#answering?.abort.abort();
  }

  /** Ends the answer that is being written, and frees what the answers took on the GPU. */
  async clear(): Promise<void> {
    this.cancel();
    await this.#answering?.ended;
    this.#free();
  }

  async #answer(
    model: LoadedModel,
    request: GenerateRequest,
    onText: (delta: string) => void,
    signal: AbortSignal,
  ): Promise<GenerateResult> {
    const prompt = encodePrompt(model, request.messages, request.raw);
    const { adapterId } = request;
    const weights = adapterId === undefined ? request.weights : await this.#adapters.weights(adapterId);
    const { generator } = await this.#voice(onTrainedWeights(model, quantisationOfChoice(weights)), adapterId);
    const decoder = createStreamingDecoder(model.tokenizer, { skipSpecialTokens: true });
    let text = '';
    const emit = (delta: string) => {
      text += delta;
      if (delta) onText(delta);
    };
    const started = performance.now();
    const options = { ...request, stopIds: model.stopIds(), signal, onToken: (id: number) => emit(decoder.push(id)) };
    const { ids, stopped } = await Promise.race([generator.generate(prompt, options), this.#machine.lost]);
    emit(decoder.flush());
    const seconds = Math.max(1e-3, (performance.now() - started) / 1000);
    return { text, promptTokens: prompt.length, newTokens: ids.length, tokensPerSecond: ids.length / seconds, stopped };
  }

  #free(): void {
    for (const voice of this.#voices.values()) silence(voice);
    this.#voices.clear();
    this.#model = undefined;
  }

  async #voice(model: LoadedModel, adapterId: string | undefined): Promise<Voice> {
    const gpu = await this.#machine.gpu();
    if (this.#model !== model || this.#gpu !== gpu) this.#free();
    [this.#model, this.#gpu] = [model, gpu];
    const key = adapterId ?? 'base';
    const known = this.#voices.get(key);
    if (known) return known;
    const attached =
      adapterId === undefined ? undefined : await attachAdapter(model, await this.#adapters.files(adapterId));
    if (attached && isClassifier(attached.model.checkpoint.description))
      throw new UserError('This adapter sorts what it is given and writes no text. Ask it to classify instead.');
    const { weights, space, traced } = await putOnGpu(gpu, model, attached);
    const runtime = new Runtime(gpu, weights, space);
    const generator = new Generator(runtime, traced);
    const voice = { generator, runtime, space };
    this.#voices.set(key, voice);
    const [oldest] = this.#voices;
    if (oldest && this.#voices.size > mostVoices) {
      silence(oldest[1]);
      this.#voices.delete(oldest[0]);
    }
    return voice;
  }
}

function silence({ runtime, space }: Voice): void {
  runtime.destroy();
  space.destroy();
}
