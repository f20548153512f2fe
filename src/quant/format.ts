/**
 * A weight format: how a matrix of shape [rows, columns] lies on the GPU, and what it means.
 * A new format is one file that exports a WeightFormat, one decoder in shaders/quant/, and one line in `registry.ts`.
 */

/** Formats that a file holds row by row, in blocks along the columns. */
export type BlockFormatName =
  'f32' | 'f16' | 'bf16' | 'q8_0' | 'q4_0' | 'q4_1' | 'q5_0' | 'q5_1' | 'q2_k' | 'q3_k' | 'q4_k' | 'q5_k' | 'q6_k';

/**
 * Codes of that many bits whose scale and zero point serve groups of that many columns: consecutive ones (g), or by an index of
 * columns (x).
 */
export type GroupedFormatName = `int${2 | 3 | 4 | 8}_${'g' | 'x'}${number}`;

/** NF4 and FP4, and how they deviate from the plain case: see codebook.ts. */
export type CodebookName = `${'nf4' | 'fp4'}${'' | '_nested'}${'' | '_unaligned'}`;

/** Formats that are put together from several tensors of a file, or made from floats while they are loaded. */
export type PackedFormatName = CodebookName | 'int8' | GroupedFormatName;

export type FormatName = BlockFormatName | PackedFormatName;

/** One aligned array of bytes on the GPU. */
export interface Plane {
  readonly name: string;
  /** Bytes of a matrix of `rows` rows, a multiple of the row group. */
  bytes(rows: number, columns: number): number;
}

/** The WGSL that reads a format's planes, which bind in order at 2, 3 and 6. */
export interface Decoder {
  /** module under shaders/, plugged in as `weight` */
  readonly module: string;
  readonly conditions?: Readonly<Record<string, boolean>>;
}

export interface WeightFormat {
  readonly name: FormatName;
  /** the columns of a matrix are a multiple of it */
  readonly blockSize: number;
  readonly planes: readonly Plane[];
  /** rows that must stay together in a plane because their words are interleaved; a shard holds a multiple of it. 1 for plain floats */
  readonly rowGroup: number;
  readonly decoder: Decoder;
}

/** A format that a file holds row by row. Its planes hold rows one after the other, too, so that a range of rows is a range of bytes. */
export interface BlockFormat extends WeightFormat {
  readonly name: BlockFormatName;
  /** bytes of one block as it lies in the file */
  readonly fileBytesPerBlock: number;
  /** Decodes `count` weights (a multiple of blockSize) from the file's bytes into f32. Exact: the judge is the library that defines it. */
  decode(bytes: Uint8Array, count: number): Float32Array;
  /** Re-orders whole rows (a multiple of rowGroup unless they are the last) from the file's bytes into the planes, losing nothing. */
  repack(bytes: Uint8Array, rows: number, columns: number): Uint8Array[];
}

/** A format that is known by its planes alone. */
export interface PackedFormat extends WeightFormat {
  readonly name: PackedFormatName;
  /** The weights of planes of [rows, columns], f32: the reference of the format's decoder. Exact, as its library decodes. */
  decode(planes: readonly Uint8Array[], rows: number, columns: number): Float32Array;
}

/** A plane that takes the same bytes for every block of `blockSize` weights. */
export function blockPlane(name: string, blockSize: number, bytesPerBlock: number): Plane {
  return { name, bytes: (rows, columns) => rows * (columns / blockSize) * bytesPerBlock };
}
