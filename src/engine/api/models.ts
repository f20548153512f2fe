/** Models as the studio sees them. */
import type { TaskType } from '../../models/family.ts';
import type { WeightGroup } from './quantisation.ts';

export interface ModelFile {
  /** path within the dropped folder, or the file's name */
  readonly path: string;
  readonly blob: Blob;
}

export interface ModelCard {
  readonly id: string;
  readonly name: string;
  /** 'llama', 'qwen2' … (model_type), and the class name Transformers gives it */
  readonly family: string;
  readonly architecture: string;
  readonly parameters: number;
  readonly layers: number;
  readonly hiddenSize: number;
  readonly contextLength: number;
  readonly vocabSize: number;
  /** bytes by stored format, e.g. { q4_1: 60e6, f32: 1e5 } */
  readonly bytesByFormat: Readonly<Record<string, number>>;
  /** how the weights that it computes with are packed */
  readonly weights: readonly WeightGroup[];
  readonly fileBytes: number;
  /** the tasks that it can be trained for; the first is what it is trained for unless another is chosen */
  readonly tasks: readonly TaskType[];
  /** why it suits the first, one sentence or two */
  readonly suits: string;
  /** what its own classifier tells apart; empty where it has none that is trained */
  readonly labels: readonly string[];
  /** pixels that an image is made, of a model of images */
  readonly image?: { readonly height: number; readonly width: number };
  readonly hasTokenizer: boolean;
  readonly hasChatTemplate: boolean;
  readonly tiedEmbeddings: boolean;
  /** what each file of the drop was taken for */
  readonly files: readonly { readonly path: string; readonly bytes: number; readonly role: string }[];
  /** what it can be used for here, with the reason where it cannot */
  readonly abilities: readonly {
    readonly name: 'train' | 'chat' | 'rewrite' | 'classify' | 'export';
    readonly works: boolean;
    readonly reason?: string;
  }[];
  /** linears that a method can target: module path suffix → how many */
  readonly targetModules: readonly {
    readonly name: string;
    readonly count: number;
    readonly inFeatures: number;
    readonly outFeatures: number;
  }[];
  /** by peft_type: the names that are targeted when the user names none */
  readonly defaultTargets: Readonly<Record<string, readonly string[]>>;
  readonly isStored: boolean;
}

export interface StoredModelSummary {
  readonly id: string;
  readonly name: string;
  readonly bytes: number;
  readonly lastUsed: number;
}
