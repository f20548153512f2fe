/**
 * Reading the header of a GGUF file (versions 2 and 3; layout: gguf.md of ggml). @huggingface/gguf opens URLs and local paths but not
 * a dropped File, and restarts a value from its first byte for every chunk, so this reads the header itself.
 */
import type { BlockFormatName } from '../quant/format.ts';
import { weightFormats } from '../quant/registry.ts';
import type { ByteSource } from './byteSource.ts';
import { UserError } from './errors.ts';
import { formatOfGgmlType, ggmlTypeName, supportedGgmlTypes } from './ggmlTypes.ts';
import type { GgufValue } from './ggufMetadata.ts';
import { GgufMetadata } from './ggufMetadata.ts';
import { GgufReader, NeedMoreBytes } from './ggufReader.ts';
import type { TensorEntry } from './tensorEntry.ts';
import { elementCount, findOverlap } from './tensorEntry.ts';

export interface GgufFile {
  readonly version: number;
  readonly metadata: GgufMetadata;
  /** keyed by GGUF's names (`blk.0.attn_q.weight`); shapes in Hugging Face's order, so a weight matrix is [out, in] */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly layout: GgufLayout;
}

/** Where the parts of the file lie, in bytes. */
export interface GgufLayout {
  /** behind the description of the last tensor */
  readonly headerEnd: number;
  /** every tensor begins at a multiple of it, counted from dataStart */
  readonly alignment: number;
  readonly dataStart: number;
}

const MAGIC = 0x46554747; // 'GGUF'
const FIRST_READ_BYTES = 4 << 20;
/** A vocabulary of 256k tokens with its merges takes about 15 MB. */
const MAX_HEADER_BYTES = 256 << 20;
const DEFAULT_ALIGNMENT = 32;
const MAX_DIMENSIONS = 4;
/** fewest bytes of a key-value pair: length, type, one byte of value */
const LEAST_PAIR_BYTES = 13;
/** fewest bytes of a tensor's description: length, dimension count, type, offset */
const LEAST_TENSOR_BYTES = 24;

interface TensorHeader {
  name: string;
  shape: number[];
  type: number;
  /** from the start of the tensor data */
  offset: number;
}

/** Reads and checks the header only. Every refusal is a UserError that names the file, and the tensor where there is one. */
export async function readGguf(source: ByteSource): Promise<GgufFile> {
  const limit = Math.min(source.size, MAX_HEADER_BYTES);
  for (let bytes = Math.min(FIRST_READ_BYTES, limit); ; bytes = Math.min(bytes * 4, limit)) {
    try {
      return parseHeader(source, await source.read(0, bytes));
    } catch (error) {
      if (!(error instanceof NeedMoreBytes)) throw error;
      if (bytes === limit)
        throw new UserError(`${source.name} has a header of more than ${MAX_HEADER_BYTES} bytes: it is damaged.`);
    }
  }
}

function parseHeader(source: ByteSource, bytes: Uint8Array): GgufFile {
  const reader = new GgufReader(bytes, source.name, source.size);
  const version = readVersion(source, reader);
  const tensorCount = reader.count('tensors', LEAST_TENSOR_BYTES);
  const pairCount = reader.count('metadata entries', LEAST_PAIR_BYTES);
  const values = readPairs(source, reader, pairCount);
  const metadata = new GgufMetadata(source.name, values);
  refuseSplit(source, metadata);
  const headers: TensorHeader[] = [];
  for (let i = 0; i < tensorCount; i++) headers.push(readTensorHeader(source, reader));
  const alignment = readAlignment(source, metadata);
  const headerEnd = reader.position;
  const dataStart = Math.ceil(headerEnd / alignment) * alignment;
  const tensors = placeTensors(source, headers, alignment, dataStart);
  return { version, metadata, tensors, layout: { headerEnd, alignment, dataStart } };
}

function readVersion(source: ByteSource, reader: GgufReader): number {
  if (source.size < 24 || reader.u32() !== MAGIC) {
    throw new UserError(
      `${source.name} is not a GGUF file. Check that the download is the file itself, not a page or a pointer.`,
    );
  }
  const version = reader.u32();
  if (version === 2 || version === 3) return version;
  if ((version & 0xffff) === 0)
    throw new UserError(`${source.name} is a big-endian GGUF file. Download the little-endian one.`);
  throw new UserError(
    `${source.name} is GGUF version ${version}; Graft reads versions 2 and 3. Convert the model again.`,
  );
}

function readPairs(source: ByteSource, reader: GgufReader, count: number): Map<string, GgufValue> {
  const values = new Map<string, GgufValue>();
  for (let i = 0; i < count; i++) {
    const key = reader.string();
    if (values.has(key))
      throw new UserError(`${source.name} gives ${key} twice: the file is damaged. Download it again.`);
    values.set(key, reader.value(key));
  }
  return values;
}

function refuseSplit(source: ByteSource, metadata: GgufMetadata): void {
  const parts = metadata.integer('split.count', 1);
  if (parts <= 1) return;
  throw new UserError(
    `${source.name} is one of ${parts} parts. Join them with llama-gguf-split --merge and open the result.`,
  );
}

function readTensorHeader(source: ByteSource, reader: GgufReader): TensorHeader {
  const name = reader.string();
  const dimensions = reader.u32();
  if (dimensions > MAX_DIMENSIONS) {
    throw new UserError(
      `Tensor ${name} in ${source.name} claims ${dimensions} dimensions: the file is damaged. Download it again.`,
    );
  }
  const shape: number[] = [];
  for (let i = 0; i < dimensions; i++) shape.unshift(reader.u64());
  return { name, shape, type: reader.u32(), offset: reader.u64() };
}

function readAlignment(source: ByteSource, metadata: GgufMetadata): number {
  const alignment = metadata.integer('general.alignment', DEFAULT_ALIGNMENT);
  if (alignment > 0 && alignment <= 1 << 20 && Number.isInteger(Math.log2(alignment))) return alignment;
  throw new UserError(
    `${source.name} has general.alignment ${alignment}, which is no power of two: the file is damaged.`,
  );
}

function placeTensors(
  source: ByteSource,
  headers: readonly TensorHeader[],
  alignment: number,
  dataStart: number,
): Map<string, TensorEntry> {
  refuseUnknownTypes(source, headers);
  const tensors = new Map<string, TensorEntry>();
  for (const header of headers) {
    if (tensors.has(header.name))
      throw new UserError(`${source.name} describes the tensor ${header.name} twice: the file is damaged.`);
    tensors.set(header.name, placeTensor(source, header, alignment, dataStart));
  }
  const overlap = findOverlap(tensors.values());
  if (overlap) {
    throw new UserError(
      `Tensors ${overlap[0].name} and ${overlap[1].name} in ${source.name} share bytes: the file is damaged.`,
    );
  }
  return tensors;
}

/** One message for the whole file: a model mixes few types, and each needs the same remedy. */
function refuseUnknownTypes(source: ByteSource, headers: readonly TensorHeader[]): void {
  const unknown = headers.filter((header) => formatOfGgmlType(header.type) === undefined);
  if (unknown.length === 0) return;
  const types = [...new Set(unknown.map((header) => ggmlTypeName(header.type)))].join(', ');
  throw new UserError(
    `${source.name} holds tensors of type ${types} (${unknown[0]!.name}, for one), which Graft does not read. ` +
      `It reads ${supportedGgmlTypes}: choose such a file of the same model.`,
  );
}

function placeTensor(source: ByteSource, header: TensorHeader, alignment: number, dataStart: number): TensorEntry {
  const { name, shape, offset } = header;
  const format = formatOfGgmlType(header.type)!;
  const refuse = (what: string) => new UserError(`Tensor ${name} in ${source.name} ${what} Download it again.`);
  const { blockSize } = weightFormats[format];
  const columns = shape.at(-1) ?? 1;
  if (columns % blockSize !== 0)
    throw refuse(
      `has rows of ${columns} weights, which ${ggmlTypeName(header.type)}'s blocks of ${blockSize} do not divide.`,
    );
  const byteLength = tensorBytes(format, shape);
  if (Number.isNaN(byteLength))
    throw refuse(
      `has the impossible shape [${shape.join(', ')}] for ${ggmlTypeName(header.type)}: the file is damaged.`,
    );
  if (offset % alignment !== 0)
    throw refuse(`begins at byte ${offset}, which is not a multiple of ${alignment}: the file is damaged.`);
  const byteOffset = dataStart + offset;
  if (byteOffset + byteLength > source.size) {
    throw refuse(`ends at byte ${byteOffset + byteLength}, but the file has ${source.size}: the download broke off.`);
  }
  return { name, shape, format, source, byteOffset, byteLength };
}

/** Bytes of a tensor in the file; NaN where the shape is impossible. */
function tensorBytes(name: BlockFormatName, shape: readonly number[]): number {
  const { blockSize, fileBytesPerBlock } = weightFormats[name];
  return (elementCount(shape) / blockSize) * fileBytesPerBlock;
}
