import type { ModelCard, StoredModelSummary } from '../../engine/api.ts';
import { idleJob } from './job.ts';
import type { Job } from './job.ts';

export interface ModelState {
  readonly card: ModelCard | null;
  readonly opening: Job;
  /** the copy into this browser's library */
  readonly keeping: Job;
  readonly stored: readonly StoredModelSummary[];
}

export const initialModel: ModelState = { card: null, opening: idleJob, keeping: idleJob, stored: [] };
