/** What a model and an adapter are asked, and what they answer. */
import type { ProblemType, TaskType } from '../../models/family.ts';
import type { ModelFile } from './models.ts';
import type { WeightsChoice } from './quantisation.ts';

export interface GenerateRequest {
  /** undefined: the base model */
  readonly adapterId?: string;
  /** of the base model: those that the adapter beside it was trained on; as they are stored if not given. An adapter knows its own */
  readonly weights?: WeightsChoice;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  /** send the last message's content as it is, without the chat template */
  readonly raw: boolean;
  readonly maxNewTokens: number;
  readonly temperature: number;
  readonly topP: number;
  readonly seed: number;
}

export interface GenerateResult {
  readonly text: string;
  readonly promptTokens: number;
  readonly newTokens: number;
  readonly tokensPerSecond: number;
  readonly stopped: 'end-of-turn' | 'length' | 'cancelled';
}

export interface ClassifyRequest {
  /** undefined: the base model with its own classifier */
  readonly adapterId?: string;
  /** see GenerateRequest */
  readonly weights?: WeightsChoice;
  readonly input: { readonly text: string } | { readonly image: ModelFile };
}

export interface ClassifyResult {
  readonly task: TaskType;
  readonly problemType: ProblemType;
  /** by class: a probability, or of a regression the estimate; empty where tokens have labels of their own */
  readonly scores: readonly { readonly label: string; readonly value: number }[];
  /** TOKEN_CLS: each token of the text with its likeliest label; none for special tokens */
  readonly tokens: readonly {
    readonly text: string;
    readonly label?: string;
    readonly probability: number;
  }[];
}
