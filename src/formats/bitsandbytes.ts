/**
 * bitsandbytes' own files (functional.py, QuantState.as_dict; nn/modules.py, Linear8bitLt): a linear X of [out, in] as
 *   4 bit: X.weight, two codes a byte whatever the type of the tensor; X.weight.absmax, .quant_map, .quant_state.bitsandbytes__nf4|fp4
 *          (JSON), and for nested scales .nested_absmax, .nested_quant_map
 *   8 bit: X.weight i8 [out, in], X.SCB f32 [out]
 */
import {
  ABSMAX_BLOCK,
  codebookName,
  codebooks,
  columnsPlane,
  NESTED_BLOCK,
  nestedPlane,
  repackCodebook,
  type NestedScales,
} from '../quant/codebook.ts';
import { BLOCK } from '../quant/codes.ts';
import { bytesOf } from '../quant/fileBytes.ts';
import { repackInt8 } from '../quant/int8.ts';
import type { PackedTensor } from '../quant/packed.ts';
import { packedFormat } from '../quant/registry.ts';
import type { RowShard } from '../quant/shards.ts';
import { UserError } from './errors.ts';
import { readFloatTensor } from './floatTensors.ts';
import { readTensorBytes, type TensorEntry } from './tensorEntry.ts';

export interface FourBitEntries {
  readonly weight: TensorEntry;
  readonly absmax: TensorEntry;
  readonly quantMap: TensorEntry;
  readonly quantState: TensorEntry;
  readonly nestedAbsmax?: TensorEntry;
  readonly nestedQuantMap?: TensorEntry;
}

interface QuantState {
  readonly quant_type: 'nf4' | 'fp4';
  readonly blocksize: number;
  readonly shape: readonly [rows: number, columns: number];
  readonly nested_blocksize?: number;
  readonly nested_offset?: number;
}

/** bytes read from the file at a time */
const stretch = 4 << 20;

/** Reads the quant_state and checks the tensors against it. Throws a UserError that names the tensor. */
export async function fourBitTensor(entries: FourBitEntries): Promise<PackedTensor> {
  const { weight, absmax, quantMap, nestedAbsmax, nestedQuantMap } = entries;
  const state = await readState(entries);
  const [rows, columns] = state.shape;
  const blocks = Math.ceil((rows * columns) / ABSMAX_BLOCK);
  const isNested = state.nested_offset !== undefined;
  requireBytes(weight, Math.ceil((rows * columns) / 2));
  requireBytes(absmax, blocks * (isNested ? 1 : 4));
  const table = (await readFloatTensor(quantMap)).data;
  if (table.join() !== codebooks[state.quant_type].join())
    throw new UserError(
      `${weight.source.name}: ${quantMap.name} is not the table of ${state.quant_type}. Quantise the model again with bitsandbytes.`,
    );
  const nestedOf = async (): Promise<NestedScales | undefined> => {
    if (!nestedAbsmax || !nestedQuantMap || state.nested_offset === undefined) return undefined;
    return {
      map: await readScales(nestedQuantMap),
      scales: await readScales(nestedAbsmax),
      offset: state.nested_offset,
    };
  };
  if (isNested) {
    if (!nestedAbsmax || !nestedQuantMap)
      throw new UserError(
        `${weight.source.name}: ${weight.name} has nested scales, but ${weight.name}.nested_absmax or ${weight.name}.nested_quant_map is missing. Download the model again.`,
      );
    requireBytes(nestedAbsmax, Math.ceil(blocks / NESTED_BLOCK) * 4);
    requireBytes(nestedQuantMap, 256 * 4);
  }
  const format = codebookName(state.quant_type, isNested, columns);
  const isUnaligned = columns % BLOCK !== 0;
  return {
    format,
    rows,
    columns,
    async write(shards, put) {
      const [values] = packedFormat(format).planes;
      const scales = isNested ? await readTensorBytes(absmax) : bytesOf(await readScales(absmax));
      const nested = await nestedOf();
      for (const [s, shard] of shards.entries()) {
        await eachStretch(weight, shard, columns / 2, (row, count, bytes) =>
          put(s, 0, values!.bytes(row, columns), repackCodebook(bytes, count, columns)),
        );
        const [first, end] = [shard.rowStart, shard.rowStart + shard.rowCount].map((row) =>
          Math.ceil((row * columns) / ABSMAX_BLOCK),
        ) as [number, number];
        const size = isNested ? 1 : 4;
        put(s, 1, 0, scales.subarray(first * size, end * size));
        const last = nested && nestedPlane(nested, first, end - first);
        if (isUnaligned) put(s, 2, 0, columnsPlane(columns, last));
        else if (last) put(s, 2, 0, last);
      }
    },
  };
}

async function readState({ weight, quantState }: FourBitEntries): Promise<QuantState> {
  const refuse = (what: string) => new UserError(`${weight.source.name}: ${weight.name} ${what}`);
  const state = parseState(new TextDecoder().decode(await readTensorBytes(quantState)));
  if (!state)
    throw refuse(`has a ${quantState.name} that is not valid JSON: the file is damaged. Download the model again.`);
  const { quant_type: type, blocksize, nested_blocksize: nested = NESTED_BLOCK, shape } = state;
  if (type !== 'nf4' && type !== 'fp4')
    throw refuse(`is quantised as ${String(type)}, which Graft does not read: it reads nf4 and fp4.`);
  if (blocksize !== ABSMAX_BLOCK || nested !== NESTED_BLOCK)
    throw refuse(
      `has blocks of ${blocksize} (scales of ${nested}), and Graft reads bitsandbytes' usual ${ABSMAX_BLOCK} (${NESTED_BLOCK}). Quantise the model again with these.`,
    );
  if (!Array.isArray(shape) || shape.length !== 2)
    throw refuse(`has the shape [${String(shape)}], but a linear layer has rows and columns.`);
  return state;
}

function parseState(text: string): QuantState | undefined {
  try {
    return JSON.parse(text) as QuantState;
  } catch {
    return undefined;
  }
}

/** Throws a UserError where one is not finite. */
async function readScales(entry: TensorEntry): Promise<Float32Array> {
  const { data } = await readFloatTensor(entry);
  if (data.every(Number.isFinite)) return data;
  throw new UserError(
    `${entry.source.name}: ${entry.name} has a scale that is not finite: the weights are damaged. Download the model again.`,
  );
}

/** @param scb absmax of each row */
export function eightBitTensor(weight: TensorEntry, scb: TensorEntry): PackedTensor {
  const [rows = 0, columns = 0] = weight.shape;
  requireBytes(weight, rows * columns);
  requireBytes(scb, rows * 4);
  return {
    format: 'int8',
    rows,
    columns,
    async write(shards, put) {
      const [values] = packedFormat('int8').planes;
      const scales = bytesOf(await readScales(scb));
      for (const [s, shard] of shards.entries()) {
        await eachStretch(weight, shard, columns, (row, count, bytes) =>
          put(s, 0, values!.bytes(row, columns), repackInt8(bytes, count, columns)),
        );
        put(s, 1, 0, scales.subarray(shard.rowStart * 4, (shard.rowStart + shard.rowCount) * 4));
      }
    },
  };
}

/** Stretches of a shard's rows, a multiple of 64 each unless it is the last. */
async function eachStretch(
  { source, byteOffset }: TensorEntry,
  { rowStart, rowCount }: RowShard,
  rowBytes: number,
  use: (row: number, rows: number, bytes: Uint8Array) => void,
): Promise<void> {
  const step = Math.max(64, Math.floor(stretch / rowBytes / 64) * 64);
  for (let row = 0; row < rowCount; row += step) {
    const rows = Math.min(step, rowCount - row);
    const start = byteOffset + (rowStart + row) * rowBytes;
    use(row, rows, await source.read(start, Math.ceil(start + rows * rowBytes)));
  }
}

function requireBytes(entry: TensorEntry, bytes: number): void {
  if (entry.byteLength === bytes) return;
  throw new UserError(
    `${entry.source.name}: ${entry.name} has ${entry.byteLength} bytes, but the weight that it belongs to takes ${bytes} there: the file is damaged. Download it again.`,
  );
}
