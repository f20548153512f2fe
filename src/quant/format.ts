/**
 * A block format: how a weight matrix of shape [rows, columns] lies in a file, how it lies on the GPU, and what it means.
 * A new format is one file that exports a WeightFormat, one decoder in shaders/quant/, and one line in `registry.ts`.
 */

export type FormatName = 'f32' | 'f16' | 'bf16' | 'q8_0' | 'q4_0' | 'q4_1';

/** One aligned array of bytes on the GPU. Rows follow each other without padding, so a range of rows is a range of bytes. */
export interface Plane {
  /** the WGSL binding it feeds: 0 is the first plane (values), 1 the second (scales) */
  readonly name: string;
  /** bytes that one block of one row takes in this plane */
  readonly bytesPerBlock: number;
}

export interface WeightFormat {
  readonly name: FormatName;
  /** weights a block holds, along the columns (the reduction axis of x·Wᵀ); 1 for plain floats */
  readonly blockSize: number;
  /** bytes of one block as it lies in the file */
  readonly fileBytesPerBlock: number;
  readonly planes: readonly Plane[];
  /** rows that must stay together in a plane because their words are interleaved; a shard holds a multiple of it */
  readonly rowGroup: number;
  /** Decodes `count` weights (a multiple of blockSize) from the file's bytes into f32. Exact: the judge is the library that defines it. */
  decode(bytes: Uint8Array, count: number): Float32Array;
  /** Re-orders whole rows (a multiple of rowGroup unless they are the last) from the file's bytes into the planes, losing nothing. */
  repack(bytes: Uint8Array, rows: number, columns: number): Uint8Array[];
}
