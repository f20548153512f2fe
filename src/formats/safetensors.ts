/**
 * Reading the header of a safetensors file: 8 bytes of little-endian length, that many bytes of JSON, then the tensors' bytes
 * without a gap. The checks are those of the format's own library (safetensors 0.6, `SafeTensors::read_metadata`), which refuses
 * files that say two things about the same bytes.
 */
import type { ByteSource } from './byteSource.ts';
import { UserError } from './errors.ts';
import { findDuplicateKey } from './jsonKeys.ts';
import type { TensorEntry } from './tensorEntry.ts';
import { elementCount, findOverlap } from './tensorEntry.ts';

/** bytes; the same cap as the format's own library */
const MAX_HEADER_BYTES = 100_000_000;
const LENGTH_BYTES = 8;

/** safetensors' dtype name → ours, and bytes of one element */
const dtypes = {
  F32: { format: 'f32', bytes: 4 },
  F16: { format: 'f16', bytes: 2 },
  BF16: { format: 'bf16', bytes: 2 },
  F64: { format: 'f64', bytes: 8 },
  F8_E4M3: { format: 'f8_e4m3', bytes: 1 },
  F8_E5M2: { format: 'f8_e5m2', bytes: 1 },
  F8_E8M0: { format: 'f8_e8m0', bytes: 1 },
  I64: { format: 'i64', bytes: 8 },
  I32: { format: 'i32', bytes: 4 },
  I16: { format: 'i16', bytes: 2 },
  I8: { format: 'i8', bytes: 1 },
  U64: { format: 'u64', bytes: 8 },
  U32: { format: 'u32', bytes: 4 },
  U16: { format: 'u16', bytes: 2 },
  U8: { format: 'u8', bytes: 1 },
  BOOL: { format: 'bool', bytes: 1 },
} as const satisfies Record<string, { format: TensorEntry['format']; bytes: number }>;

export type SafetensorsDtype = keyof typeof dtypes;

export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** `__metadata__`, empty where the file has none */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Bytes of one element of a safetensors dtype. */
export function dtypeBytes(dtype: SafetensorsDtype): number {
  return dtypes[dtype].bytes;
}

/** Reads and checks the header only. Every refusal is a UserError that names the file, and the tensor where there is one. */
export async function readSafetensors(source: ByteSource): Promise<SafetensorsFile> {
  const { header, dataStart } = await readHeader(source);
  const metadata = readMetadata(source, header['__metadata__']);
  const tensors = new Map<string, TensorEntry>();
  for (const [name, description] of Object.entries(header)) {
    if (name !== '__metadata__') tensors.set(name, readEntry(source, name, description, dataStart));
  }
  checkCoverage(source, tensors, dataStart);
  return { tensors, metadata };
}

async function readHeader(source: ByteSource): Promise<{ header: Record<string, unknown>; dataStart: number }> {
  if (source.size < LENGTH_BYTES) {
    throw new UserError(
      `${source.name} has only ${source.size} bytes: it is not a safetensors file, or its download broke off.`,
    );
  }
  const lengthBytes = await source.read(0, LENGTH_BYTES);
  const length = Number(new DataView(lengthBytes.buffer).getBigUint64(0, true));
  const dataStart = LENGTH_BYTES + length;
  if (length > MAX_HEADER_BYTES) {
    throw new UserError(
      `${source.name} claims a header of ${length} bytes: it is not a safetensors file. Check that the download is the file itself, not a page or a pointer.`,
    );
  }
  if (dataStart > source.size) {
    throw new UserError(
      `${source.name} ends inside its header (${source.size} of ${dataStart} bytes). Download it again.`,
    );
  }
  const text = decodeUtf8(source, await source.read(LENGTH_BYTES, dataStart));
  const header = parseObject(source, text);
  const duplicate = findDuplicateKey(text);
  if (duplicate !== undefined)
    throw new UserError(`${source.name} describes the tensor ${duplicate} twice: the file is damaged.`);
  return { header, dataStart };
}

function decodeUtf8(source: ByteSource, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new UserError(`${source.name} has a header that is not text: it is not a safetensors file.`, { cause });
  }
}

function parseObject(source: ByteSource, text: string): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (cause) {
    throw new UserError(
      `${source.name} has a header that is not valid JSON: it is damaged or not a safetensors file.`,
      { cause },
    );
  }
  if (!isRecord(header))
    throw new UserError(`${source.name} has a header that is not a JSON object: it is not a safetensors file.`);
  return header;
}

function readMetadata(source: ByteSource, metadata: unknown): Record<string, string> {
  if (metadata === undefined || metadata === null) return {};
  if (!isRecord(metadata) || !Object.values(metadata).every((value) => typeof value === 'string')) {
    throw new UserError(`${source.name} has a __metadata__ that is not a table of strings: the header is damaged.`);
  }
  return metadata as Record<string, string>;
}

function readEntry(source: ByteSource, name: string, description: unknown, dataStart: number): TensorEntry {
  const refuse = (what: string) => new UserError(`Tensor ${name} in ${source.name} ${what}`);
  if (!isRecord(description)) throw refuse('has no description: the header is damaged.');
  const { dtype, shape, data_offsets: offsets } = description;
  if (typeof dtype !== 'string' || !Object.hasOwn(dtypes, dtype)) {
    throw refuse(
      `has the type ${String(dtype)}, which Graft does not read. It reads ${Object.keys(dtypes).join(', ')}.`,
    );
  }
  const { format, bytes } = dtypes[dtype as SafetensorsDtype];
  if (!isNumberArray(shape) || Number.isNaN(elementCount(shape)))
    throw refuse(`has an impossible shape: ${JSON.stringify(shape)}.`);
  if (!isNumberArray(offsets) || offsets.length !== 2 || !offsets.every(Number.isSafeInteger)) {
    throw refuse('has no valid data_offsets: the header is damaged.');
  }
  const [start, end] = offsets as [number, number];
  if (start < 0 || end < start)
    throw refuse(`has data_offsets that run backwards (${start} to ${end}): the header is damaged.`);
  const dataBytes = source.size - dataStart;
  if (end > dataBytes) {
    throw refuse(
      `ends at byte ${end} of the data, but the file holds ${dataBytes}: it is cut short. Download it again.`,
    );
  }
  if (end - start !== elementCount(shape) * bytes) {
    throw refuse(
      `has ${end - start} bytes, but ${dtype} of shape [${shape.join(', ')}] takes ${elementCount(shape) * bytes}.`,
    );
  }
  return { name, shape, format, source, byteOffset: dataStart + start, byteLength: end - start };
}

/** The tensors must cover the data exactly: bytes that belong to none, or to two, mean that the header and the data do not belong together. */
function checkCoverage(source: ByteSource, tensors: ReadonlyMap<string, TensorEntry>, dataStart: number): void {
  const overlap = findOverlap(tensors.values());
  if (overlap) {
    throw new UserError(
      `Tensors ${overlap[0].name} and ${overlap[1].name} in ${source.name} share bytes: the header is damaged.`,
    );
  }
  let covered = dataStart;
  for (const entry of tensors.values()) covered += entry.byteLength;
  if (covered !== source.size) {
    throw new UserError(
      `${source.name} holds ${source.size - covered} bytes that belong to no tensor: the header and the data do not belong together. Download it again.`,
    );
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNumberArray(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'number');
}
