import type { ChatMessage } from '../tokenizer/chatTemplate.ts';

/** One row of a data set, as read: what it says, not yet how it is encoded. */
export type DataRecord = { readonly place: Place } & (
  | { readonly kind: 'text'; readonly text: string }
  /** also source and target of a sequence-to-sequence model */
  | { readonly kind: 'promptCompletion'; readonly prompt: string; readonly completion: string }
  /** Alpaca's three fields; input may be empty */
  | {
      readonly kind: 'instruction';
      readonly instruction: string;
      readonly input: string;
      readonly output: string;
      readonly system: string | undefined;
    }
  | {
      readonly kind: 'messages';
      readonly messages: readonly ChatMessage[];
      readonly tools: readonly unknown[] | undefined;
    }
  | {
      readonly kind: 'labelled';
      readonly text: string;
      readonly textPair: string | undefined;
      readonly label: RowLabel;
    }
  /** words with a label each */
  | { readonly kind: 'tokens'; readonly tokens: readonly string[]; readonly labels: readonly LabelValue[] }
);

/** A class number, the name of a class, or a value to be estimated: what it is, the labels of all rows decide. */
export type LabelValue = number | string;

/** A list holds the labels that a row has at once, or 0 or 1 for each class, or several values. */
export type RowLabel = LabelValue | readonly LabelValue[];

/** Where in its file a row stands, counted from 1: the line of a .jsonl, the element of a .json, the row of a .csv, the paragraph of a .txt. */
export interface Place {
  readonly unit: 'line' | 'element' | 'row' | 'paragraph' | 'image';
  readonly number: number;
}

/** A row that was left out, and why. */
export interface DataProblem {
  readonly place: Place;
  /** one sentence: what is wrong and, where it helps, what to do */
  readonly message: string;
}

export function placeName({ unit, number }: Place): string {
  return `${unit} ${number}`;
}

/** What a column can hold; the keys of a column mapping. */
export type ColumnRole =
  | 'text'
  | 'prompt'
  | 'completion'
  | 'instruction'
  | 'input'
  | 'output'
  | 'system'
  | 'messages'
  | 'conversations'
  | 'label'
  | 'text_pair'
  | 'tokens'
  | 'source'
  | 'target';

/** Which column of the file holds what. Where it is given, columns it does not name are not looked at. */
export type ColumnMapping = Readonly<Partial<Record<ColumnRole, string>>>;
