import type { Readiness } from '../logic/readiness.ts';
import { goTo } from '../routing.ts';
import { startRun } from './run.ts';

/** Does what the Run card's button says. */
export function followReadiness({ action }: Readiness): void {
  if (action.kind === 'start') void startRun();
  if (action.kind === 'go') goTo(action.screen);
}
