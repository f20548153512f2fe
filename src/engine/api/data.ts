/** Rows and images as the studio sees them. */
import type { ProblemType, TaskType } from '../../models/family.ts';

export interface DataOptions {
  readonly maxLength: number;
  readonly lossOn: 'replies' | 'all';
  readonly valSplitRatio: number;
  /** 'auto': the task that the model suits, the kind of labels that the rows have */
  readonly taskType: TaskChoiceName;
  readonly problemType: ProblemType | 'auto';
}

export type TaskChoiceName = TaskType | 'auto';

export interface DataCard {
  /** of this reading: rows that are read anew get another, whatever their file is called */
  readonly id: string;
  readonly name: string;
  readonly format: string;
  /** what the rows were read for */
  readonly taskType: TaskType;
  /** of a classifier */
  readonly labels?: LabelSummary;
  readonly rows: number;
  readonly evalRows: number;
  /** the file that the evaluation rows come from; without one they are held out of the rows */
  readonly evalName?: string;
  readonly tokens: number;
  readonly learnedTokens: number;
  readonly cutRows: number;
  readonly droppedRows: number;
  readonly longestRow: number;
  /** upper edge in tokens and number of rows */
  readonly lengthHistogram: readonly { readonly upTo: number; readonly rows: number }[];
  /** what was wrong, where (file line or row number) and what was done about it */
  readonly problems: readonly { readonly message: string; readonly count: number; readonly lines: readonly number[] }[];
}

/** The labels that a classifier learns, and how often the rows have each. */
export interface LabelSummary {
  /** null where each word has one (TOKEN_CLS) */
  readonly problemType: ProblemType | null;
  /** by class; empty for a regression */
  readonly counts: readonly { readonly label: string; readonly count: number }[];
  /** of a regression */
  readonly values?: { readonly least: number; readonly most: number; readonly mean: number };
}

/** An image of the open data, to be shown. */
export interface ImageView {
  readonly path: string;
  readonly label: string;
  /** the file as it is */
  readonly blob: Blob;
}

export interface TokenView {
  readonly id: number;
  readonly text: string;
  readonly part: 'learned' | 'context' | 'cut';
  readonly special: boolean;
  /** the label of the word that begins here, where words have labels */
  readonly label?: string;
}

export interface RowView {
  readonly index: number;
  readonly raw: string;
  readonly rendered: string;
  readonly tokens: readonly TokenView[];
  /** of a source with its target: the target, which is what is learned */
  readonly target?: { readonly rendered: string; readonly tokens: readonly TokenView[] };
  /** of a classified row: its labels, or the values that are to be estimated */
  readonly labels?: readonly string[];
}
