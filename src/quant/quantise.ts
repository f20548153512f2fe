/** Floats into blocks while they are loaded, with the codes that bitsandbytes gives. The plain reference of quantiseOnGpu.ts. */
import { codebookFormats, codebookName, codebookParts } from './codebook.ts';
import { BLOCK } from './codes.ts';
import type { CodebookName, FormatName, PackedFormatName } from './format.ts';
import type { PackedTensor } from './packed.ts';
import { writeCodebook } from './quantiseCodebook.ts';
import { writeInt8 } from './quantiseInt8.ts';

/** How the linears of a model are quantised on loading. */
export interface Quantisation {
  readonly kind: 'nf4' | 'fp4' | 'int8';
  /** nf4, fp4: the blocks' scales are quantised, too */
  readonly doubleQuant: boolean;
  /** the embedding and the head in INT8, too, which otherwise stay as they are stored */
  readonly embeddings?: boolean;
}

/** What a matrix becomes. @param columns its own; without them what becomes of nearly all, whose columns are a multiple of 32 */
export function quantisedFormat(
  { kind, doubleQuant }: Pick<Quantisation, 'kind' | 'doubleQuant'>,
  columns = BLOCK,
): PackedFormatName {
  return kind === 'int8' ? kind : codebookName(kind, doubleQuant, columns);
}

/** True for a format that floats can be quantised to. */
export function isMadeFromFloats(format: FormatName): format is CodebookName | 'int8' {
  return format === 'int8' || Object.hasOwn(codebookFormats, format);
}

/** The other way: how a matrix in a format came to be in it. */
export function quantisationTo(format: FormatName): Quantisation {
  if (!isMadeFromFloats(format)) throw new Error(`${format} is not made from floats while they are loaded`);
  if (format === 'int8') return { kind: format, doubleQuant: false };
  const { kind, isNested } = codebookParts(format);
  return { kind, doubleQuant: isNested };
}

/** Floats, [rows, columns], that are read in stretches of rows. */
export interface FloatRows {
  /** what an error calls them */
  readonly name?: string;
  readonly rows: number;
  readonly columns: number;
  read(rowStart: number, rowCount: number): Promise<Float32Array>;
}

/** The matrix in the format that it is to be quantised to. Writing throws a UserError where a number is not finite. */
export function quantised(source: FloatRows, quantisation: Quantisation): PackedTensor {
  const { rows, columns } = source;
  const { kind, doubleQuant } = quantisation;
  const write: PackedTensor['write'] = (shards, put) =>
    kind === 'int8' ? writeInt8(source, shards, put) : writeCodebook(source, kind, doubleQuant, shards, put);
  return { format: quantisedFormat(quantisation, columns), rows, columns, write };
}
