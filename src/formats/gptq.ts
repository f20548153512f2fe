/**
 * GPTQ (AutoGPTQ, qlinear_cuda_old.py; GPTQModel): a linear of [out, in] as
 *   qweight i32 [in / 32 · bits, out]   codes along in: a stream of bits, the first code in the lowest bits of the first word
 *   qzeros  i32 [groups, out / 32 · bits]   zero points along out, packed the same; `gptq` stores them less 1, `gptq_v2` as they are
 *   scales  f16 [groups, out]
 *   g_idx   i32 [in]   the group of each input; act-order makes it anything. Without it input i is in group i / group_size.
 */
import { BLOCK, QUARTETS, type CodePlane } from '../quant/codes.ts';
import type { GroupedBits } from '../quant/grouped.ts';
import type { RowShard } from '../quant/shards.ts';
import { UserError } from './errors.ts';
import { groupedTensor, nearestCodes, readScales, readWords, requireTensor } from './groupedTensor.ts';
import { entryOf, specOf, type StoredTensor } from './storedTensor.ts';
import { readTensorBytes, type TensorEntry } from './tensorEntry.ts';

const WORD_BITS = 32;

export interface GptqSettings {
  readonly bits: GroupedBits;
  /** −1: the whole row is one group */
  readonly groupSize: number;
  /** checkpoint_format gptq_v2 */
  readonly storesZeroPoints: boolean;
}

export interface GptqEntries {
  readonly qweight: TensorEntry;
  readonly qzeros: TensorEntry;
  readonly scales: TensorEntry;
  readonly gIdx?: TensorEntry;
}

/** Checks the tensors against each other and reads g_idx. Throws a UserError that names the tensor. */
export async function gptqTensor(entries: GptqEntries, settings: GptqSettings): Promise<StoredTensor> {
  const { qweight, qzeros, scales, gIdx } = entries;
  const { bits } = settings;
  const [wordRows = 0, rows = 0] = qweight.shape;
  const columns = (wordRows / bits) * WORD_BITS;
  const size = settings.groupSize > 0 ? settings.groupSize : columns;
  const groups = Math.ceil(columns / size);
  if (columns % 4 !== 0 || (rows * bits) % WORD_BITS !== 0)
    throw new UserError(
      `${qweight.source.name}: ${qweight.name} is [${qweight.shape.join(', ')}], which does not come out even in codes of ${bits} bits: ` +
        `the quantization_config in config.json belongs to another model.`,
    );
  requireTensor(qweight, 'i32', [wordRows, rows]);
  const zeroWords = (rows * bits) / WORD_BITS;
  requireTensor(qzeros, 'i32', [groups, zeroWords]);
  requireTensor(scales, scales.format, [groups, rows]);
  const groupOf = gIdx
    ? await readGroups(gIdx, columns, groups)
    : Int32Array.from({ length: columns }, (_, i) => i / size);
  const isIndexed = size % BLOCK !== 0 || groupOf.some((group, i) => group !== groupOf[i - (i % BLOCK)]);
  const shape = { rows, columns, grouping: { bits, size, isIndexed }, groupOf };
  const read = async () => {
    const zeros = await readWords(qzeros);
    const addend = settings.storesZeroPoints ? 0 : 1;
    return {
      codes: await readWords(qweight),
      scales: await readScales(scales),
      zeroPoint(group: number, row: number) {
        const stored = bitsAt(zeros, group * zeroWords, 1, bits, row);
        return (stored + addend) & (2 ** bits - 1);
      },
    };
  };
  return {
    ...groupedTensor({
      ...shape,
      async read() {
        const { codes, ...source } = await read();
        return { ...source, putCodes: (plane, shard) => putCodes(plane, shard, codes, rows, columns, bits) };
      },
    }),
    rewritten: [specOf(qweight)],
    async requantised(values) {
      const { codes, ...source } = await read();
      nearestCodes(shape, source, values, (row, column, code) => putBits(codes, row, rows, bits, column, code));
      const bytes = new Uint8Array(codes.buffer);
      const tensor = await gptqTensor({ ...entries, qweight: entryOf(qweight, bytes) }, settings);
      return { parts: new Map([[qweight.name, bytes]]), tensor };
    },
  };
}

async function readGroups(entry: TensorEntry, columns: number, groups: number): Promise<Int32Array> {
  requireTensor(entry, 'i32', [columns]);
  const groupOf = new Int32Array((await readTensorBytes(entry)).buffer);
  const wrong = groupOf.findIndex((group) => group < 0 || group >= groups);
  if (wrong >= 0)
    throw new UserError(
      `${entry.source.name}: ${entry.name} puts input ${wrong} into group ${groupOf[wrong]}, but there are ${groups} groups: the file is damaged. Download it again.`,
    );
  return groupOf;
}

/** Code `index` of a stream of bits whose words are `stride` apart. */
function bitsAt(words: Uint32Array, first: number, stride: number, bits: number, index: number): number {
  const bit = index * bits;
  const shift = bit & 31;
  let value = words[first + (bit >> 5) * stride]! >>> shift;
  if (shift + bits > 32) value |= words[first + ((bit >> 5) + 1) * stride]! << (32 - shift);
  return value & ((1 << bits) - 1);
}

/** Sets code `index` of such a stream. */
function putBits(words: Uint32Array, first: number, stride: number, bits: number, index: number, value: number): void {
  const mask = 2 ** bits - 1;
  const bit = index * bits;
  const shift = bit & 31;
  const at = first + (bit >> 5) * stride;
  words[at] = (words[at]! & ~(mask << shift)) | (value << shift);
  if (shift + bits <= 32) return;
  const below = 32 - shift;
  words[at + stride] = (words[at + stride]! & ~(mask >>> below)) | (value >>> below);
}

function putCodes(
  plane: CodePlane,
  { rowStart, rowCount }: RowShard,
  words: Uint32Array,
  rows: number,
  columns: number,
  bits: number,
): void {
  const quartets = new Uint32Array(QUARTETS);
  for (let block = 0; block * BLOCK < columns; block++) {
    const count = Math.min(QUARTETS, columns / 4 - block * QUARTETS);
    quartets.fill(0);
    for (let row = 0; row < rowCount; row++) {
      const first = block * bits * rows + rowStart + row;
      for (let quartet = 0; quartet < count; quartet++) {
        const bit = 4 * bits * quartet;
        const shift = bit & 31;
        const at = first + (bit >> 5) * rows;
        let stream = words[at]! >>> shift;
        if (shift + 4 * bits > 32) stream |= words[at + rows]! << (32 - shift);
        quartets[quartet] = fourBytes(stream, bits);
      }
      plane.putBlock(plane.at(row, block), quartets);
    }
  }
}

/** The four lowest codes of a stream, a byte each. */
function fourBytes(stream: number, bits: number): number {
  const mask = (1 << bits) - 1;
  const apart = 8 - bits;
  return (
    (stream & mask) |
    ((stream << apart) & (mask << 8)) |
    ((stream << (2 * apart)) & (mask << 16)) |
    ((stream << (3 * apart)) & (mask << 24))
  );
}
