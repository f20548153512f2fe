import type { DataCard, DataOptions, EngineError, ImageView, RowView } from '../../engine/api.ts';
import { idleJob } from './job.ts';
import type { Job } from './job.ts';

export interface DataState {
  readonly card: DataCard | null;
  readonly options: DataOptions;
  readonly opening: Job;
  readonly rowIndex: number;
  /** null while it loads */
  readonly row: RowView | null;
  readonly rowError: EngineError | null;
  /** of a folder of images: those that are shown, and the label they were asked for by */
  readonly images: readonly ImageView[];
  readonly imageLabel: string | null;
}

export const initialData: DataState = {
  card: null,
  options: { maxLength: 512, lossOn: 'replies', valSplitRatio: 0.1, taskType: 'auto', problemType: 'auto' },
  opening: idleJob,
  rowIndex: 0,
  row: null,
  rowError: null,
  images: [],
  imageLabel: null,
};
