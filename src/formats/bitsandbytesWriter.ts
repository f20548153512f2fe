/** A weight in one of bitsandbytes' formats as its library saves it (see bitsandbytes.ts). */
import {
  ABSMAX_BLOCK,
  codebookFormats,
  codebookParts,
  codebooks,
  NESTED_BLOCK,
  readNestedPlane,
} from '../quant/codebook.ts';
import { CodePlane, QUARTETS } from '../quant/codes.ts';
import { bytesOf } from '../quant/fileBytes.ts';
import type { CodebookName, FormatName } from '../quant/format.ts';
import { packedPlanes, type PackedTensor } from '../quant/packed.ts';
import type { TensorSpec } from './safetensorsWriter.ts';

/** bytes of the quant_state: its JSON, filled up with spaces, so that the header can be written before the weight is quantised */
const STATE_BYTES = 256;

/** True for a weight that bitsandbytes has a format for. */
export function isBitsandbytesFormat(format: FormatName): boolean {
  return format === 'int8' || isCodebook(format);
}

function isCodebook(format: FormatName): format is CodebookName {
  return Object.hasOwn(codebookFormats, format);
}

/** The tensors that a weight X.weight becomes. */
export function bitsandbytesSpecs(name: string, { format, rows, columns }: PackedTensor): TensorSpec[] {
  if (!isCodebook(format))
    return [
      { name, shape: [rows, columns], dtype: 'I8' },
      { name: scbName(name), shape: [rows], dtype: 'F32' },
    ];
  const blocks = Math.ceil((rows * columns) / ABSMAX_BLOCK);
  const { kind, isNested } = codebookParts(format);
  const nested: TensorSpec[] = [
    { name: `${name}.nested_absmax`, shape: [Math.ceil(blocks / NESTED_BLOCK)], dtype: 'F32' },
    { name: `${name}.nested_quant_map`, shape: [256], dtype: 'F32' },
  ];
  return [
    { name, shape: [Math.ceil((rows * columns) / 2), 1], dtype: 'U8' },
    { name: `${name}.absmax`, shape: [blocks], dtype: isNested ? 'U8' : 'F32' },
    { name: `${name}.quant_map`, shape: [16], dtype: 'F32' },
    ...(isNested ? nested : []),
    { name: `${name}.quant_state.bitsandbytes__${kind}`, shape: [STATE_BYTES], dtype: 'U8' },
  ];
}

/** The bytes of these tensors by name. */
export async function bitsandbytesTensors(name: string, tensor: PackedTensor): Promise<Map<string, Uint8Array>> {
  const { format, rows, columns } = tensor;
  const [planes = []] = await packedPlanes(tensor, [{ rowStart: 0, rowCount: rows }]);
  const [codes = new Uint8Array(), absmax = new Uint8Array(), lastPlane] = planes;
  const words = new Uint32Array(codes.buffer);
  if (!isCodebook(format))
    return new Map([
      [name, signedBytes(words, rows, columns)],
      [scbName(name), absmax.slice(0, rows * 4)],
    ]);
  const { kind, isNested, isUnaligned } = codebookParts(format);
  const blocks = Math.ceil((rows * columns) / ABSMAX_BLOCK);
  const nested =
    isNested && lastPlane
      ? readNestedPlane(lastPlane.subarray(isUnaligned ? 4 : 0), Math.ceil(blocks / NESTED_BLOCK))
      : undefined;
  const state = {
    quant_type: kind,
    blocksize: ABSMAX_BLOCK,
    dtype: 'float32',
    shape: [rows, columns],
    ...(nested && { nested_blocksize: NESTED_BLOCK, nested_dtype: 'float32', nested_offset: nested.offset }),
  };
  return new Map([
    [name, nibblePairs(words, rows, columns)],
    [`${name}.absmax`, absmax.slice(0, blocks * (nested ? 1 : 4))],
    [`${name}.quant_map`, bytesOf(codebooks[kind])],
    [`${name}.quant_state.bitsandbytes__${kind}`, new TextEncoder().encode(JSON.stringify(state).padEnd(STATE_BYTES))],
    ...(nested
      ? ([
          [`${name}.nested_absmax`, bytesOf(nested.scales)],
          [`${name}.nested_quant_map`, bytesOf(nested.map)],
        ] as const)
      : []),
  ]);
}

function scbName(name: string): string {
  return name.replace(/\.weight$/, '.SCB');
}

/** Two codes a byte, the first in the upper nibble, row after row. */
function nibblePairs(words: Uint32Array, rows: number, columns: number): Uint8Array {
  const plane = new CodePlane(4, rows, columns, words);
  const bytes = new Uint8Array(Math.ceil((rows * columns) / 2));
  for (let row = 0, at = 0; row < rows; row++)
    for (let column = 0; column < columns; column++, at++) {
      const code = (quartetAt(plane, row, column) >>> (8 * (column & 3))) & 15;
      bytes[at >> 1] = bytes[at >> 1]! | (code << (at & 1 ? 0 : 4));
    }
  return bytes;
}

function signedBytes(words: Uint32Array, rows: number, columns: number): Uint8Array {
  const plane = new CodePlane(8, rows, columns, words);
  const bytes = new Uint8Array(rows * columns);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      bytes[row * columns + column] = quartetAt(plane, row, column) >>> (8 * (column & 3));
  return bytes;
}

function quartetAt(plane: CodePlane, row: number, column: number): number {
  const quartet = column >> 2;
  return plane.get(plane.at(row, Math.floor(quartet / QUARTETS)), quartet % QUARTETS);
}
