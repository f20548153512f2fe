import { UserError } from './errors.ts';
import type { GgufValue } from './ggufMetadata.ts';

/** Thrown inside this module's users when the loaded part of the file ends too early: load more and start again. */
export class NeedMoreBytes extends Error {}

/** An array inside an array inside an array … has no use in a header. */
const MAX_ARRAY_DEPTH = 4;

/** gguf.md, enum gguf_metadata_value_type */
enum ValueType {
  uint8,
  int8,
  uint16,
  int16,
  uint32,
  int32,
  float32,
  bool,
  string,
  array,
  uint64,
  int64,
  float64,
}

/** fewest bytes that a value of each type takes, indexed by ValueType */
const leastBytes = [1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8];

/**
 * Reads little-endian values one after the other from the first bytes of a file. A length or count that the rest of the file
 * could not hold is refused at once, before anything is allocated for it.
 */
export class GgufReader {
  position = 0;
  private readonly view: DataView;
  private readonly decoder = new TextDecoder();

  /** @param bytes the first part of the file  @param fileSize bytes of the whole file */
  constructor(
    private readonly bytes: Uint8Array,
    private readonly fileName: string,
    private readonly fileSize: number,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  u64(): number {
    return Number(this.view.getBigUint64(this.take(8), true));
  }

  /** A count of things that take at least `bytesEach` in the rest of the file. */
  count(what: string, bytesEach: number): number {
    const count = this.u64();
    if (count * bytesEach > this.fileSize - this.position) {
      throw new UserError(
        `${this.fileName} claims ${count} ${what}, more than the file can hold: it is damaged. Download it again.`,
      );
    }
    return count;
  }

  string(): string {
    const length = this.count('bytes of text', 1);
    const start = this.take(length);
    return this.decoder.decode(this.bytes.subarray(start, start + length));
  }

  /** A type number and the value that follows it. */
  value(key: string): GgufValue {
    return this.valueOfType(this.u32(), key, 0);
  }

  private valueOfType(type: number, key: string, depth: number): GgufValue {
    switch (type) {
      case ValueType.uint8:
        return this.view.getUint8(this.take(1));
      case ValueType.int8:
        return this.view.getInt8(this.take(1));
      case ValueType.uint16:
        return this.view.getUint16(this.take(2), true);
      case ValueType.int16:
        return this.view.getInt16(this.take(2), true);
      case ValueType.uint32:
        return this.u32();
      case ValueType.int32:
        return this.view.getInt32(this.take(4), true);
      case ValueType.float32:
        return this.view.getFloat32(this.take(4), true);
      case ValueType.bool:
        return this.view.getUint8(this.take(1)) !== 0;
      case ValueType.string:
        return this.string();
      case ValueType.array:
        return this.array(key, depth);
      case ValueType.uint64:
        return this.u64();
      case ValueType.int64:
        return Number(this.view.getBigInt64(this.take(8), true));
      case ValueType.float64:
        return this.view.getFloat64(this.take(8), true);
      default:
        throw new UserError(
          `${key} in ${this.fileName} has the unknown value type ${type}: the file is damaged or newer than Graft.`,
        );
    }
  }

  private array(key: string, depth: number): GgufValue[] {
    const type = this.u32();
    if (depth === MAX_ARRAY_DEPTH)
      throw new UserError(`${key} in ${this.fileName} is nested too deep: the file is damaged.`);
    const count = this.count(`values in ${key}`, leastBytes[type] ?? 1);
    const values: GgufValue[] = [];
    for (let i = 0; i < count; i++) values.push(this.valueOfType(type, key, depth + 1));
    return values;
  }

  /** Steps over `count` bytes and returns where they begin. */
  private take(count: number): number {
    const start = this.position;
    const end = start + count;
    if (end > this.bytes.byteLength) {
      if (end <= this.fileSize) throw new NeedMoreBytes();
      throw new UserError(`${this.fileName} ends inside its header: the download broke off. Download it again.`);
    }
    this.position = end;
    return start;
  }
}
