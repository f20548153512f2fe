import type { ModelCard, StoredModelSummary } from '../../engine/api.ts';
import { idleJob } from './job.ts';
import type { Job } from './job.ts';

export interface ModelState {
  readonly card: ModelCard | null;
  /** the sample comes with the page, so it is never copied into the library */
  readonly isSample: boolean;
  readonly opening: Job;
  /** the copy into this browser's library */
  readonly keeping: Job;
  readonly stored: readonly StoredModelSummary[];
}

export const initialModel: ModelState = { card: null, isSample: false, opening: idleJob, keeping: idleJob, stored: [] };
