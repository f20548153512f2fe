/** What the studio is told of the machine that it runs on, and of work that takes time. */

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
  /** bytes; null where the browser does not say */
  readonly quota: number | null;
  readonly persisted: boolean;
  /** another tab holds the library: this one reads, but keeps nothing */
  readonly heldElsewhere: boolean;
}

/** Progress of one phase: reading, uploading, compiling … `total` is 0 while it is not known. */
export interface Progress {
  readonly phase:
    | 'read'
    | 'tokenize'
    | 'upload'
    | 'compile'
    | 'store'
    | 'start'
    | 'first-step'
    | 'export'
    | 'quantise'
    | 'compare'
    | 'measure';
  readonly done: number;
  readonly total: number;
  readonly unit: 'bytes' | 'rows' | 'batches' | 'kernels' | 'steps' | 'modules' | 'weights';
}

export type OnProgress = (progress: Progress) => void;
