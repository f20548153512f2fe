import type { ClassifyRequest, GenerateRequest, WeightsChoice } from '../../engine/api.ts';
import { toEngineError } from '../../engine/client.ts';
import { playgroundMode } from '../logic/playgroundMode.ts';
import { composeFields } from '../logic/settings.ts';
import { weightsBeside, weightsKey } from '../logic/weightChoices.ts';
import { goTo } from '../routing.ts';
import { emptyColumn } from '../state/playground.ts';
import type { Column, PlaygroundState } from '../state/playground.ts';
import { patch, useStudio } from '../state/store.ts';
import { engine } from './engine.ts';

export function setPlayground(change: Partial<PlaygroundState>): void {
  patch('playground', change);
}

/** Chooses the adapter that answers beside the base; on other weights the base would answer otherwise, too. */
export function tryAdapter(id: string): void {
  const before = comparedWeights();
  patch('playground', { adapterId: id, tuned: emptyColumn });
  if (weightsKey(comparedWeights()) !== weightsKey(before)) patch('playground', { base: emptyColumn });
}

/** The weights of both columns: those that the adapter was trained on, or without an adapter those that the next run would take. */
function comparedWeights(): WeightsChoice {
  const { library, playground, method, data } = useStudio.getState();
  const adapter = library.adapters.find(({ id }) => id === playground.adapterId);
  return weightsBeside(adapter, composeFields(method, data.options));
}

/** Opens the Playground with this adapter; a prompt that was sampled during the run is a good first question. */
export function tryInPlayground(adapterId: string): void {
  tryAdapter(adapterId);
  const { playground, run } = useStudio.getState();
  if (playground.prompt === '') patch('playground', { prompt: run.samples.at(-1)?.prompt ?? '' });
  goTo('playground');
}

export function clearPlayground(): void {
  patch('playground', { base: emptyColumn, tuned: emptyColumn, asked: '', mode: null, image: null });
}

const waiting: Column = { ...emptyColumn, status: 'waiting' };
let stopped = false;

/** What the button does: a question to those that write, an input for those that classify. */
export function askPlayground(): Promise<void> {
  const { playground, model, data } = useStudio.getState();
  const isClassifying = playgroundMode(playground.mode, model.card, data.card) === 'classify';
  return isClassifying ? classifyInput() : sendPrompt();
}

/** One text or image, to the base model where it has a classifier of its own, and to the tuned one. */
async function classifyInput(): Promise<void> {
  const { playground, model } = useStudio.getState();
  const { prompt, image, adapterId } = playground;
  const readsImages = model.card?.image !== undefined;
  if (!model.card || isWriting(playground) || (readsImages ? !image : !prompt.trim())) return;
  stopped = false;
  const hasOwn = model.card.labels.length > 0;
  const asked = readsImages ? '' : prompt;
  patch('playground', { asked, base: hasOwn ? waiting : emptyColumn, tuned: adapterId ? waiting : emptyColumn });
  const input = readsImages && image ? { image } : { text: prompt };
  if (hasOwn) await classifyOn('base', { input, weights: comparedWeights() });
  if (adapterId) await classifyOn('tuned', { input, adapterId });
}

async function classifyOn(side: 'base' | 'tuned', request: ClassifyRequest): Promise<void> {
  patch('playground', { [side]: { ...emptyColumn, status: 'writing' } });
  try {
    const classes = await engine().classify(request);
    patch('playground', { [side]: { ...emptyColumn, status: 'done', classes } });
  } catch (thrown) {
    patch('playground', { [side]: { ...emptyColumn, status: 'failed', error: toEngineError(thrown) } });
  }
}

/** One prompt, first to the base model and then to the tuned one, with the same seed: the GPU does one at a time. */
async function sendPrompt(): Promise<void> {
  const { playground, model } = useStudio.getState();
  const { prompt, adapterId } = playground;
  if (!prompt.trim() || isWriting(playground)) return;
  stopped = false;
  patch('playground', { asked: prompt, base: waiting, tuned: adapterId ? waiting : emptyColumn });
  const request: GenerateRequest = {
    messages: [{ role: 'user', content: prompt }],
    raw: playground.raw || !model.card?.hasChatTemplate,
    maxNewTokens: playground.maxNewTokens,
    temperature: playground.temperature,
    topP: playground.topP,
    seed: playground.seed,
  };
  await write('base', { ...request, weights: comparedWeights() });
  if (adapterId) await write('tuned', { ...request, adapterId });
}

async function write(side: 'base' | 'tuned', request: GenerateRequest): Promise<void> {
  const set = (change: Partial<Column>): void => {
    patch('playground', { [side]: { ...useStudio.getState().playground[side], ...change } });
  };
  if (stopped) return set(emptyColumn);
  set({ status: 'writing' });
  try {
    const result = await engine().generate(request, (delta) => {
      const column = useStudio.getState().playground[side];
      if (column.status === 'writing') set({ text: column.text + delta });
    });
    set({ status: 'done', text: result.text, result });
  } catch (thrown) {
    set({ status: 'failed', error: toEngineError(thrown) });
  }
}

export async function stopWriting(): Promise<void> {
  stopped = true;
  await engine()
    .cancelGeneration()
    .catch(() => undefined);
}

export function isWriting({ base, tuned }: Pick<PlaygroundState, 'base' | 'tuned'>): boolean {
  return [base, tuned].some(({ status }) => status === 'waiting' || status === 'writing');
}
