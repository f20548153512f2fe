import type { RunSummary } from '../../engine/api.ts';
import { noRun } from '../logic/runProgress.ts';
import type { RunProgress } from '../logic/runProgress.ts';

export interface RunState extends RunProgress {
  /** a run that was cut off and can go on, offered once */
  readonly interrupted: RunSummary | null;
  /** what a classifier's outputs stand for, frozen at Start */
  readonly labels: readonly string[];
}

export const initialRun: RunState = { ...noRun, interrupted: null, labels: [] };
