import { toEngineError } from '../../engine/client.ts';
import { composeFields } from '../logic/settings.ts';
import { patch, useStudio } from '../state/store.ts';
import { engine } from './engine.ts';

const pauseMs = 200;
let timer: ReturnType<typeof setTimeout> | undefined;
let latest = 0;

/** Prices the run anew, once typing has paused. Needs a model and data: the longest row decides. */
export function refreshEstimate(): void {
  clearTimeout(timer);
  timer = setTimeout(() => void estimate(), pauseMs);
}

async function estimate(): Promise<void> {
  const { model, method, data } = useStudio.getState();
  if (!model.card || !data.card || method.methods.length === 0) return;
  const turn = ++latest;
  patch('method', { estimating: true });
  try {
    const found = await engine().estimate(composeFields(method, data.options));
    if (turn === latest) patch('method', { estimate: found, estimateError: null, estimating: false });
  } catch (thrown) {
    if (turn === latest) patch('method', { estimateError: toEngineError(thrown), estimating: false });
  }
}
