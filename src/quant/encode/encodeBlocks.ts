import type { BlockFormatName } from '../format.ts';
import { weightFormats } from '../registry.ts';
import { SUPERBLOCK } from '../superblocks.ts';
import { encodeFloats } from './floats.ts';
import { encodeQ4_0, encodeQ4_1, encodeQ5_0, encodeQ5_1, encodeQ8_0, type EncodeBlock } from './smallBlocks.ts';
import { superblockFiles, type SuperblockFile } from './superblockFile.ts';
import { encodeSuperblock } from './superblocks.ts';

const superblock =
  (kind: SuperblockFile): EncodeBlock =>
  (values, file) =>
    encodeSuperblock(kind, values, file);

const encoders = {
  q4_0: encodeQ4_0,
  q4_1: encodeQ4_1,
  q5_0: encodeQ5_0,
  q5_1: encodeQ5_1,
  q8_0: encodeQ8_0,
  q2_k: superblock(superblockFiles.q2_k),
  q3_k: superblock(superblockFiles.q3_k),
  q4_k: superblock(superblockFiles.q4_k),
  q5_k: superblock(superblockFiles.q5_k),
  q6_k: superblock(superblockFiles.q6_k),
} as const satisfies Partial<Record<BlockFormatName, EncodeBlock>>;

/** weights that are decoded at a time to see which blocks changed; a multiple of every block */
const stretch = 1024 * SUPERBLOCK;

/**
 * The bytes of a tensor that takes other values, in the format and the length that it has. A block whose values are the same keeps its
 * bytes, so that it loses nothing. Throws a UserError that names the tensor where the format cannot hold a number.
 * @param stored the tensor's bytes as they are
 */
export function encodeBlocks(
  format: BlockFormatName,
  values: Float32Array,
  stored: Uint8Array,
  name: string,
): Uint8Array {
  if (format === 'f32' || format === 'f16' || format === 'bf16') return encodeFloats(format, values, name);
  const { blockSize, fileBytesPerBlock, decode } = weightFormats[format];
  const encode = encoders[format];
  const encoded = new Uint8Array(stored);
  const byteOf = (weight: number) => (weight / blockSize) * fileBytesPerBlock;
  for (let start = 0; start < values.length; start += stretch) {
    const end = Math.min(start + stretch, values.length);
    const before = decode(stored.subarray(byteOf(start), byteOf(end)), end - start);
    for (let first = start; first < end; first += blockSize) {
      const block = values.subarray(first, first + blockSize);
      if (block.some((value, i) => value !== before[first - start + i]))
        encode(block, new DataView(encoded.buffer, byteOf(first), fileBytesPerBlock));
    }
  }
  return encoded;
}
