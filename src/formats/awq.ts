/**
 * AWQ, version gemm (awq/utils/packing_utils.py, modules/linear/gemm.py): a linear of [out, in] as
 *   qweight i32 [in, out / 8]   eight codes of 4 bits along out, in the order 0 2 4 6 1 3 5 7 from the lowest bits
 *   qzeros  i32 [groups, out / 8]   zero points, packed the same
 *   scales  f16 [groups, out]
 */
import { BLOCK, QUARTETS, type CodePlane } from '../quant/codes.ts';
import type { RowShard } from '../quant/shards.ts';
import { UserError } from './errors.ts';
import { groupedTensor, nearestCodes, readScales, readWords, requireTensor } from './groupedTensor.ts';
import { entryOf, specOf, type StoredTensor } from './storedTensor.ts';
import type { TensorEntry } from './tensorEntry.ts';

const PER_WORD = 8;
/** where output j of a word's eight lies, in bits */
const shifts = [0, 16, 4, 20, 8, 24, 12, 28];

export interface AwqEntries {
  readonly qweight: TensorEntry;
  readonly qzeros: TensorEntry;
  readonly scales: TensorEntry;
}

/** Checks the tensors against each other. Throws a UserError that names the tensor. */
export function awqTensor(entries: AwqEntries, groupSize: number): StoredTensor {
  const { qweight, qzeros, scales } = entries;
  const [columns = 0, words = 0] = qweight.shape;
  const rows = words * PER_WORD;
  const size = groupSize > 0 ? groupSize : columns;
  if (columns % 4 !== 0)
    throw new UserError(
      `${qweight.source.name}: ${qweight.name} has ${columns} inputs, and Graft reads multiples of 4. Choose another quantisation of the model.`,
    );
  const groups = Math.ceil(columns / size);
  requireTensor(qweight, 'i32', [columns, words]);
  requireTensor(qzeros, 'i32', [groups, words]);
  requireTensor(scales, scales.format, [groups, rows]);
  const shape = {
    rows,
    columns,
    grouping: { bits: 4, size, isIndexed: size % BLOCK !== 0 } as const,
    groupOf: Int32Array.from({ length: columns }, (_, i) => i / size),
  };
  const read = async () => {
    const zeros = await readWords(qzeros);
    return {
      codes: await readWords(qweight),
      scales: await readScales(scales),
      zeroPoint: (group: number, row: number) => (zeros[group * words + (row >> 3)]! >>> shifts[row & 7]!) & 15,
    };
  };
  return {
    ...groupedTensor({
      ...shape,
      async read() {
        const { codes, ...source } = await read();
        return { ...source, putCodes: (plane, shard) => putCodes(plane, shard, codes, words, columns) };
      },
    }),
    rewritten: [specOf(qweight)],
    async requantised(values) {
      const { codes, ...source } = await read();
      nearestCodes(shape, source, values, (row, column, code) => {
        const at = column * words + (row >> 3);
        const shift = shifts[row & 7]!;
        codes[at] = (codes[at]! & ~(15 << shift)) | (code << shift);
      });
      const bytes = new Uint8Array(codes.buffer);
      const tensor = awqTensor({ ...entries, qweight: entryOf(qweight, bytes) }, groupSize);
      return { parts: new Map([[qweight.name, bytes]]), tensor };
    },
  };
}

/** Shards begin at a multiple of 8 rows, so that their rows are whole words. */
function putCodes(
  plane: CodePlane,
  { rowStart, rowCount }: RowShard,
  words: Uint32Array,
  wordsPerColumn: number,
  columns: number,
): void {
  for (let block = 0; block * BLOCK < columns; block++)
    for (let quartet = 0; quartet < Math.min(QUARTETS, columns / 4 - block * QUARTETS); quartet++) {
      const first = (block * BLOCK + 4 * quartet) * wordsPerColumn + rowStart / PER_WORD;
      for (let row = 0; row < rowCount; row += PER_WORD) {
        const at = first + row / PER_WORD;
        const a = words[at]!;
        const b = words[at + wordsPerColumn]!;
        const c = words[at + 2 * wordsPerColumn]!;
        const d = words[at + 3 * wordsPerColumn]!;
        for (let i = 0; i < PER_WORD; i++) {
          const shift = shifts[i]!;
          const codes =
            ((a >>> shift) & 15) |
            (((b >>> shift) & 15) << 8) |
            (((c >>> shift) & 15) << 16) |
            (((d >>> shift) & 15) << 24);
          plane.put(plane.at(row + i, block), quartet, codes);
        }
      }
    }
}
