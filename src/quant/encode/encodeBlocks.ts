import type { BlockFormatName } from '../format.ts';
import { weightFormats } from '../registry.ts';
import { SUPERBLOCK } from '../superblocks.ts';
import type { FloatFormatName } from './floats.ts';
import { encodeQ4_0, encodeQ4_1, encodeQ5_0, encodeQ5_1, encodeQ8_0, type EncodeBlock } from './smallBlocks.ts';
import { superblockFiles, type SuperblockFile } from './superblockFile.ts';
import { encodeSuperblock } from './superblocks.ts';

/** A format of blocks with scales of their own. */
type EncodedFormatName = Exclude<BlockFormatName, FloatFormatName>;

const superblock =
  (kind: SuperblockFile): EncodeBlock =>
  (values, file, name) =>
    encodeSuperblock(kind, values, file, name);

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
} as const satisfies Record<EncodedFormatName, EncodeBlock>;

/** weights that are decoded at a time to see which blocks changed; a multiple of every block */
const stretch = 1024 * SUPERBLOCK;

/**
 * Writes other values, all of them finite, over the bytes of a tensor. A block whose values are the same keeps its bytes, so that it
 * loses nothing. Throws a UserError that names the tensor where the format cannot hold a number; some of the bytes are written then.
 */
export function encodeBlocks(format: EncodedFormatName, values: Float32Array, bytes: Uint8Array, name: string): void {
  const { blockSize, fileBytesPerBlock, decode } = weightFormats[format];
  const encode = encoders[format];
  const byteOf = (weight: number) => (weight / blockSize) * fileBytesPerBlock;
  for (let start = 0; start < values.length; start += stretch) {
    const end = Math.min(start + stretch, values.length);
    const before = decode(bytes.subarray(byteOf(start), byteOf(end)), end - start);
    for (let first = start; first < end; first += blockSize) {
      const block = values.subarray(first, first + blockSize);
      if (block.some((value, i) => value !== before[first - start + i]))
        encode(block, new DataView(bytes.buffer, bytes.byteOffset + byteOf(first), fileBytesPerBlock), name);
    }
  }
}
