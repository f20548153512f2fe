import type { ProblemType, TaskType } from '../models/family.ts';
import type { MethodGroup } from '../peft/method.ts';

/**
 * The one API that the studio and the command line call. In the browser it is hosted by a worker (comlink): every argument
 * and result is plain data (Files and Blobs are passed by handle), every callback is a comlink proxy.
 * Errors cross as EngineError: a sentence for the person, and a code for the screen that shows it.
 */

export type EngineErrorCode =
  'bad-input' | 'no-gpu' | 'out-of-memory' | 'device-lost' | 'diverged' | 'storage-full' | 'cancelled' | 'internal';

export interface EngineError {
  readonly code: EngineErrorCode;
  /** what, where and what to do */
  readonly message: string;
}

// ---------------------------------------------------------------- the machine

export interface GpuReport {
  readonly available: boolean;
  /** why it is not available and what to do, one sentence each; empty when it is */
  readonly reasons: readonly string[];
  readonly name: string;
  readonly isSoftware: boolean;
  readonly hasF16: boolean;
  readonly hasSubgroups: boolean;
  /** bytes */
  readonly maxBufferSize: number;
  readonly bindingLimit: number;
}

export interface StorageReport {
  /** bytes */
  readonly usage: number;
  readonly quota: number;
  readonly persisted: boolean;
  /** another tab holds the library: this one reads, but keeps nothing */
  readonly heldElsewhere: boolean;
}

/** Progress of one phase: reading, uploading, compiling … `total` is 0 while it is not known. */
export interface Progress {
  readonly phase: 'read' | 'tokenize' | 'upload' | 'compile' | 'store' | 'first-step' | 'export';
  readonly done: number;
  readonly total: number;
  readonly unit: 'bytes' | 'rows' | 'kernels' | 'steps' | 'modules';
}

export type OnProgress = (progress: Progress) => void;

// ---------------------------------------------------------------- models

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
    readonly name: 'train' | 'chat' | 'classify' | 'export';
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

// ---------------------------------------------------------------- data

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
  /** of a classified row: its labels, or the values that are to be estimated */
  readonly labels?: readonly string[];
}

// ---------------------------------------------------------------- runs

/** A run's fields as design §6 names them (Hugging Face's spelling), the method's fields among them; what the YAML file holds. */
export type RunFields = Readonly<Record<string, unknown>>;

export interface MemoryEstimate {
  /** bytes by category: weights, adapters, gradients, optimizer, activations, inputs, staging */
  readonly bytes: Readonly<Record<string, number>>;
  readonly total: number;
  /** what is thought to be there (WebGPU does not tell), and how that is known */
  readonly available: number | null;
  readonly verdict: 'fits' | 'tight' | 'exceeds' | 'unknown';
  readonly trainableParameters: number;
  readonly totalParameters: number;
  /** size of the adapter file */
  readonly adapterBytes: number;
  /** what plain LoRA would take on the same run; null where the model has nothing to put it on */
  readonly loraTotal: number | null;
  /** one-click remedies, each with the total it would lead to */
  readonly remedies: readonly { readonly label: string; readonly fields: RunFields; readonly total: number }[];
}

export interface MetricPoint {
  readonly step: number;
  readonly epoch: number;
  readonly loss?: number;
  readonly evalLoss?: number;
  /** a classifier's figures by name (accuracy, f1_macro, …); null for one that the rows do not define */
  readonly evalScores?: Readonly<Record<string, number | null>>;
  /** of one class a row: counts by wanted class, then by the one that was guessed */
  readonly confusion?: readonly (readonly number[])[];
  readonly learningRate?: number;
  readonly gradNorm?: number;
  /** a penalty of the method's own, which is not in the loss; where it has one */
  readonly regLoss?: number;
  /** tokens of the rows taken so far, padding not counted, and milliseconds of training so far */
  readonly tokens: number;
  readonly time: number;
}

export type RunStatus = 'preparing' | 'running' | 'paused' | 'finished' | 'stopped' | 'failed' | 'interrupted';

export interface RunSummary {
  readonly id: string;
  readonly name: string;
  readonly status: RunStatus;
  readonly modelName: string;
  readonly dataName: string;
  readonly method: string;
  /** frozen at Start */
  readonly fields: RunFields;
  readonly createdAt: number;
  readonly step: number;
  readonly totalSteps: number;
  readonly lastLoss?: number;
  readonly bestEvalLoss?: number;
  /** step of the last checkpoint that can be resumed from, if any */
  readonly checkpointStep?: number;
  readonly checkpointAt?: number;
  readonly adapterId?: string;
  readonly error?: string;
}

export type RunEvent =
  | { readonly kind: 'status'; readonly status: RunStatus; readonly message?: string }
  | { readonly kind: 'progress'; readonly progress: Progress }
  | { readonly kind: 'metric'; readonly point: MetricPoint }
  | {
      readonly kind: 'pace';
      readonly step: number;
      readonly totalSteps: number;
      readonly tokensPerSecond: number;
      readonly secondsLeft: number;
    }
  /** a method that moves ranks: the rank of each module by its path */
  | { readonly kind: 'ranks'; readonly step: number; readonly ranks: Readonly<Record<string, number>> }
  | { readonly kind: 'checkpoint'; readonly step: number; readonly best: boolean; readonly stored: boolean }
  | { readonly kind: 'sample'; readonly step: number; readonly prompt: string; readonly text: string }
  | { readonly kind: 'notice'; readonly message: string };

export type OnRunEvent = (event: RunEvent) => void;

// ---------------------------------------------------------------- methods

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

// ---------------------------------------------------------------- playground and library

export interface GenerateRequest {
  /** undefined: the base model */
  readonly adapterId?: string;
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

export interface AdapterSummary {
  readonly id: string;
  readonly name: string;
  readonly peftType: string;
  readonly baseModel: string;
  readonly bytes: number;
  readonly parameters: number;
  readonly createdAt: number;
  readonly runId?: string;
}

/** A way of making one LoRA adapter of several, for the form that offers it. */
export interface CombinationDescription {
  /** PEFT's combination_type */
  readonly name: string;
  readonly help: string;
  /** equal: all adapters must have one rank; chosen: svdRank; sum: the ranks add up */
  readonly rank: 'equal' | 'chosen' | 'sum';
  readonly needsDensity: boolean;
  /** majoritySignMethod matters */
  readonly electsSign: boolean;
  /** seed matters */
  readonly isRandom: boolean;
}

export interface BlendOptions {
  readonly combination: string;
  /** share of the values that pruning keeps, above 0 and up to 1 */
  readonly density?: number;
  readonly majoritySignMethod?: 'total' | 'frequency';
  /** the highest rank of the adapters if not given */
  readonly svdRank?: number;
  readonly seed?: number;
  /** of the new adapter; said by what it is made of if not given */
  readonly name?: string;
}

/** Rank of a LoRA that stands for another adapter, or the share of each layer's change (its energy) that it is to keep: above 0, up to 1. */
export type KeptRank = { readonly rank: number } | { readonly share: number };

export interface ConvertedAdapter {
  readonly adapter: AdapterSummary;
  /** share of the change ‖ΔW‖² that is kept, of all layers together and by module path */
  readonly energy: number;
  readonly energyByModule: Readonly<Record<string, number>>;
}

export interface Engine {
  describeGpu(): Promise<GpuReport>;
  describeStorage(): Promise<StorageReport>;
  methods(): Promise<readonly MethodDescription[]>;
  /** each method on the open model, and on the labels of the open rows */
  methodFits(taskType: TaskChoiceName): Promise<readonly MethodFit[]>;
  /** all run fields outside the method, with help and defaults, for the form's training part */
  trainingFields(): Promise<readonly FieldDescription[]>;

  /** Reads headers only. The model becomes the current one. */
  openModel(files: readonly ModelFile[], onProgress: OnProgress): Promise<ModelCard>;
  /** the built-in sample: model, data and run fields at once */
  openSample(onProgress: OnProgress): Promise<{ model: ModelCard; data: DataCard; fields: RunFields }>;
  openStoredModel(id: string, onProgress: OnProgress): Promise<ModelCard>;
  listModels(): Promise<readonly StoredModelSummary[]>;
  /** Copies the current model into the library in the background. */
  keepModel(onProgress: OnProgress): Promise<StoredModelSummary>;
  deleteModel(id: string): Promise<void>;

  openData(files: readonly ModelFile[], options: DataOptions, onProgress: OnProgress): Promise<DataCard>;
  /** A file of rows that are only measured, in place of a held-out share; no files: back to the share. */
  openEvalData(files: readonly ModelFile[], onProgress: OnProgress): Promise<DataCard>;
  /** the same files under other options */
  reopenData(options: DataOptions, onProgress: OnProgress): Promise<DataCard>;
  dataRow(index: number): Promise<RowView>;
  /** The first images of the open data, of all classes in turn or of one. */
  dataImages(count: number, label?: string): Promise<readonly ImageView[]>;
  /** What is open: resuming a run opens its model and its rows by itself. */
  describeOpen(): Promise<{ model: ModelCard | null; data: DataCard | null }>;

  /** Checks fields; throws bad-input naming the field and the nearest that works. */
  estimate(fields: RunFields): Promise<MemoryEstimate>;
  /** Resolves when the run ends, however it ends. */
  startRun(fields: RunFields, onEvent: OnRunEvent): Promise<RunSummary>;
  resumeRun(id: string, onEvent: OnRunEvent): Promise<RunSummary>;
  pause(): Promise<void>;
  unpause(): Promise<void>;
  /** Stops after the current step; keep = false discards the run with its checkpoints. */
  stop(keep: boolean): Promise<void>;

  listRuns(): Promise<readonly RunSummary[]>;
  runMetrics(id: string): Promise<readonly MetricPoint[]>;
  deleteRun(id: string): Promise<void>;

  generate(request: GenerateRequest, onText: (delta: string) => void): Promise<GenerateResult>;
  cancelGeneration(): Promise<void>;
  /** What a classifier makes of a text or an image. */
  classify(request: ClassifyRequest): Promise<ClassifyResult>;

  listAdapters(): Promise<readonly AdapterSummary[]>;
  /** Throws bad-input where its config asks for what is not supported. */
  adapterSettings(id: string): Promise<AdapterSettings>;
  importAdapter(files: readonly ModelFile[]): Promise<AdapterSummary>;
  combinations(): Promise<readonly CombinationDescription[]>;
  /** One LoRA adapter from several, with a weight for each; no model is needed. Throws bad-input with what does not go together. */
  blendAdapters(
    ids: readonly string[],
    weights: readonly number[],
    options: BlendOptions,
    onProgress: OnProgress,
  ): Promise<AdapterSummary>;
  /** A LoRA that does what another adapter does to the open model. */
  convertToLora(adapterId: string, kept: KeptRank, onProgress: OnProgress): Promise<ConvertedAdapter>;
  deleteAdapter(id: string): Promise<void>;
  /** a zip: adapter_config.json, adapter_model.safetensors, README.md, run.yaml, metrics.jsonl */
  exportAdapter(id: string): Promise<{ name: string; blob: Blob }>;

  /** run file as text, both ways */
  fieldsToYaml(fields: RunFields): Promise<string>;
  yamlToFields(text: string): Promise<RunFields>;
}
