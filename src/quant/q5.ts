/**
 * GGUF Q5_0: blocks of 32 weights in 22 bytes: d f16, 4 bytes of fifth bits, 16 bytes of nibbles (weights 0…15 in the lower ones).
 * value = d · (q − 16). Q5_1: 24 bytes, m f16 after d; value = d · q + m.
 * GPU: plane 0 `values`: codes of 5 bits (codes.ts). Plane 1 `scales`: a word for each block, (d, m) in halves, the words of four rows
 * side by side; for Q5_0 m = −16d, exact in f16 unless it overflows (|d| > 4,094), which no quantiser writes for weights that were f16.
 */
import { asWords, decodeAffine, decodeByPlanes, type BlockScales } from './affine.ts';
import { BLOCK, codeConditions, CodePlane, QUARTETS, spreadBits } from './codes.ts';
import { checkBytes, checkScale } from './fileBytes.ts';
import { blockPlane, type BlockFormat } from './format.ts';
import { floatToHalf, halfToFloat } from './half.ts';
import { firstWordOfRow, interleavedWords, ROW_GROUP } from './interleave.ts';

export const q5_0 = format('q5_0', 22, 2, (file, at) => {
  const d = file.getUint16(at, true);
  return d | (floatToHalf(-16 * halfToFloat(d)) << 16);
});

export const q5_1 = format('q5_1', 24, 4, (file, at) => file.getUint32(at, true));

/** @param fifthBits where these lie in a block of the file; the nibbles follow them */
function format(
  name: 'q5_0' | 'q5_1',
  fileBytes: number,
  fifthBits: number,
  scaleWord: (file: DataView, at: number) => number,
): BlockFormat {
  const made: BlockFormat = {
    name,
    blockSize: BLOCK,
    fileBytesPerBlock: fileBytes,
    planes: [blockPlane('values', BLOCK, 20), blockPlane('scales', BLOCK, 4)],
    rowGroup: ROW_GROUP,
    decoder: { module: 'quant/q5', conditions: codeConditions(5) },
    decode(bytes, count) {
      checkBytes(name, bytes, count, BLOCK, fileBytes);
      return decodeByPlanes(made, decodePlanes, bytes, count);
    },
    repack(bytes, rows, columns) {
      checkBytes(name, bytes, rows * columns, BLOCK, fileBytes);
      const file = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const blocks = columns / BLOCK;
      const codes = new CodePlane(5, rows, columns);
      const scales = new Uint32Array(interleavedWords(rows, blocks));
      const quartets = new Uint32Array(QUARTETS);
      let at = 0;
      for (let row = 0; row < rows; row++) {
        for (let block = 0; block < blocks; block++) {
          const word = scaleWord(file, at);
          checkScale(name, word);
          checkScale(name, word >>> 16);
          scales[firstWordOfRow(row, blocks) + block * ROW_GROUP] = word;
          codesOf(file, at + fifthBits, quartets);
          codes.putBlock(codes.at(row, block), quartets);
          at += fileBytes;
        }
      }
      return [new Uint8Array(codes.words.buffer), new Uint8Array(scales.buffer)];
    },
  };
  return made;
}

/** Sets the quartets of a block. */
function codesOf(file: DataView, at: number, quartets: Uint32Array): void {
  const fifths = file.getUint32(at, true);
  for (let i = 0; i < QUARTETS; i++) {
    const nibbles = file.getUint32(at + 4 + 4 * (i & 3), true) >>> (4 * (i >> 2));
    quartets[i] = (nibbles & 0x0f0f0f0f) | (spreadBits(fifths >>> (4 * i)) << 4);
  }
}

function decodePlanes(planes: readonly Uint8Array[], rows: number, columns: number): Float32Array {
  const scales = asWords(planes[1]);
  const blocks = columns / BLOCK;
  return decodeAffine(planes, rows, columns, 5, (row, block): BlockScales => {
    const word = scales[firstWordOfRow(row, blocks) + block * ROW_GROUP]!;
    const [d, m] = [halfToFloat(word), halfToFloat(word >>> 16)];
    return [d, m, d, m];
  });
}
