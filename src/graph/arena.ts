/** Bytes that live from one dispatch position to another, and the storages that must lie in other buffers. */
export interface Storage<Key> {
  readonly key: Key;
  readonly bytes: number;
  readonly first: number;
  last: number;
  /** read while this one is written, or the other way round: WebGPU counts usage by buffer, so they may not share one */
  readonly conflicts: ReadonlySet<Key>;
}

export interface Placement {
  readonly buffer: number;
  /** bytes, a multiple of 256 */
  readonly offset: number;
}

interface Placed<Key> {
  readonly storage: Storage<Key>;
  readonly offset: number;
}

const alignment = 256;

/**
 * Greedy placement by size: each storage goes to the lowest free offset of the buffer that grows least, among the buffers that
 * hold none of its conflicts. After Pisarchyk & Lee, "Efficient Memory Management for Deep Neural Net Inference" (arXiv 2001.03288),
 * with the usage rule of WebGPU added. Deterministic.
 */
export function placeStorages<Key>(
  storages: readonly Storage<Key>[],
  maxBufferSize: number,
): { placements: Map<Key, Placement>; bufferSizes: number[] } {
  const placements = new Map<Key, Placement>();
  const buffers: { placed: Placed<Key>[]; size: number }[] = [];
  const order = storages
    .map((storage, index) => ({ storage, index }))
    .sort((a, b) => b.storage.bytes - a.storage.bytes || a.index - b.index);
  for (const { storage } of order) {
    const taken = new Set([...storage.conflicts].flatMap((key) => placements.get(key)?.buffer ?? []));
    let best: { buffer: number; offset: number; growth: number } | undefined;
    buffers.forEach((buffer, index) => {
      if (taken.has(index)) return;
      const offset = lowestFreeOffset(buffer.placed, storage);
      const growth = Math.max(0, offset + roundUp(storage.bytes) - buffer.size);
      if (offset + roundUp(storage.bytes) > maxBufferSize) return;
      if (!best || growth < best.growth) best = { buffer: index, offset, growth };
    });
    if (!best) {
      buffers.push({ placed: [], size: 0 });
      best = { buffer: buffers.length - 1, offset: 0, growth: storage.bytes };
    }
    const buffer = buffers[best.buffer];
    if (!buffer) throw new Error('unreachable: the chosen buffer exists');
    buffer.placed.push({ storage, offset: best.offset });
    buffer.placed.sort((a, b) => a.offset - b.offset);
    buffer.size = Math.max(buffer.size, best.offset + roundUp(storage.bytes));
    placements.set(storage.key, { buffer: best.buffer, offset: best.offset });
  }
  return { placements, bufferSizes: buffers.map((buffer) => buffer.size) };
}

function lowestFreeOffset<Key>(placed: readonly Placed<Key>[], storage: Storage<Key>): number {
  let offset = 0;
  for (const other of placed) {
    const disjointInTime = other.storage.last < storage.first || other.storage.first > storage.last;
    if (disjointInTime) continue;
    if (other.offset >= offset + roundUp(storage.bytes)) break;
    offset = Math.max(offset, other.offset + roundUp(other.storage.bytes));
  }
  return offset;
}

function roundUp(bytes: number): number {
  return Math.ceil(Math.max(bytes, 4) / alignment) * alignment;
}
