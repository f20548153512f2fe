import type {
  AdapterSummary,
  BlendOptions,
  CombinationDescription,
  ConvertedAdapter,
  KeptRank,
} from './api/adapters.ts';
import type { DataCard, DataOptions, ImageView, RowView, TaskChoiceName } from './api/data.ts';
import type { GpuReport, OnProgress, StorageReport } from './api/machine.ts';
import type { AdapterSettings, FieldDescription, MethodDescription, MethodFit } from './api/methods.ts';
import type { ModelCard, ModelFile, StoredModelSummary } from './api/models.ts';
import type { ClassifyRequest, ClassifyResult, GenerateRequest, GenerateResult } from './api/playground.ts';
import type { ModelQuality, PricedWeights, QuantiseWork, WeightError } from './api/quantisation.ts';
import type { MemoryEstimate, MetricPoint, OnRunEvent, RunFields, RunSummary } from './api/runs.ts';

export type * from './api/machine.ts';
export type * from './api/models.ts';
export type * from './api/data.ts';
export type * from './api/runs.ts';
export type * from './api/methods.ts';
export type * from './api/playground.ts';
export type * from './api/adapters.ts';
export type * from './api/quantisation.ts';

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

  /** Every way to hold the open model's weights, with what it takes. Reads headers alone. */
  pricedWeights(): Promise<readonly PricedWeights[]>;
  /** What the fields of a run that quantise do to each weight of the open model; none where they do not quantise. */
  compareWeights(fields: RunFields, onProgress: OnProgress): Promise<readonly WeightError[]>;
  /** The untrained model on the held-out rows, with its weights as the run's fields ask for them. */
  measureQuality(fields: RunFields, onProgress: OnProgress): Promise<ModelQuality>;
  /** Writes a quantised copy into the library and opens it; `replaces` deletes the library's copy of the original then. */
  keepQuantised(fields: RunFields, replaces: boolean, onProgress: OnProgress): Promise<ModelCard>;
  /** What is stopped rejects with 'cancelled'. */
  stopQuantising(work: QuantiseWork): Promise<void>;

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
