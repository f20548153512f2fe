import type { ModelQuality, PricedWeights, WeightError } from '../../engine/api.ts';
import { idleJob } from './job.ts';
import type { Job } from './job.ts';

/** What quantising the open model saves and costs. Findings are kept by the choice's key: see weightsKey. */
export interface QuantiseState {
  /** every way to hold the open model's weights; empty while none is open */
  readonly choices: readonly PricedWeights[];
  readonly comparing: Job;
  readonly errors: Readonly<Record<string, readonly WeightError[]>>;
  readonly measuring: Job;
  /** of the rows and settings of `qualityOf` */
  readonly quality: Readonly<Record<string, ModelQuality>>;
  readonly qualityOf: string;
  /** the quantised copy in the library */
  readonly keeping: Job;
}

export const initialQuantise: QuantiseState = {
  choices: [],
  comparing: idleJob,
  errors: {},
  measuring: idleJob,
  quality: {},
  qualityOf: '',
  keeping: idleJob,
};
