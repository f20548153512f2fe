/** Methods and their fields, for the forms. */
import type { MethodGroup } from '../../peft/method.ts';
import type { RunFields } from './runs.ts';

/** A field of a form, as the method's schema gives it. */
export interface FieldDescription {
  /** Hugging Face's spelling, also the YAML key */
  readonly name: string;
  readonly label: string;
  readonly help: string;
  readonly kind: 'integer' | 'number' | 'boolean' | 'choice' | 'modules' | 'text' | 'pattern';
  readonly default: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly choices?: readonly string[];
  readonly advanced: boolean;
  /** for the optimizer alone: free to change where an adapter is continued */
  readonly trainingOnly?: boolean;
}

export interface MethodDescription {
  readonly peftType: string;
  readonly name: string;
  /** what it does and when to choose it, one sentence each */
  readonly summary: string;
  readonly group: MethodGroup;
  readonly learningRate: number;
  readonly fields: readonly FieldDescription[];
}

/** How a method with its usual settings would sit on the open model. */
export interface MethodFit {
  readonly peftType: string;
  readonly trainableParameters: number;
  /** size of the adapter file */
  readonly adapterBytes: number;
  /** why the method cannot be used on this model as it is; undefined where it can */
  readonly reason?: string;
  /** the field of the method that another value would make it work with; undefined where none would */
  readonly setting?: string;
}

/** What an adapter of the library was made with. */
export interface AdapterSettings {
  readonly peftType: string;
  /** the method's fields as the adapter's config has them */
  readonly fields: RunFields;
}
