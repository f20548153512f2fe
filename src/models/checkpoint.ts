import type { FileSet } from '../formats/byteSource.ts';
import { UserError } from '../formats/errors.ts';
import { readFloatTensor } from '../formats/floatTensors.ts';
import { stripCommonFolder } from '../formats/fileSet.ts';
import { readGguf } from '../formats/gguf.ts';
import type { GgufMetadata } from '../formats/ggufMetadata.ts';
import { readHfFolder, readTokenizerFiles, type HfTokenizerFiles } from '../formats/hfFolder.ts';
import { elementCount, readTensorBytes, type TensorEntry } from '../formats/tensorEntry.ts';
import type { BlockFormatName, PackedFormatName } from '../quant/format.ts';
import { decodePacked, type PackedTensor } from '../quant/packed.ts';
import type { Quantisation } from '../quant/quantise.ts';
import { isWeightFormat, weightFormats } from '../quant/registry.ts';
import type { ModelDescription, TaskChoice } from './family.ts';
import { gatherQuantised } from './quantisedTensors.ts';
import { conv1dWeights, readColumns } from './conv1d.ts';
import { familyOf, familyOfGguf } from './registry.ts';
import { withStoredHead } from './tiedHead.ts';
import type { WeightCatalog } from './builder.ts';

/** A tensor of the checkpoint under its Hugging Face name. */
export type CheckpointTensor = BlockTensor | QuantisedTensor;

/** A tensor that lies in a file row by row. */
export interface BlockTensor {
  readonly entry: TensorEntry;
  readonly shape: readonly number[];
  readonly format: BlockFormatName;
  /** row of the model → row in the file, where the file orders them otherwise */
  readonly rowOrder?: (row: number) => number;
  /** the file holds the transpose of `shape`: Transformers' Conv1D */
  readonly isTransposed?: boolean;
  /** of a vector: what the file adds to each of its numbers */
  readonly surplus?: number;
  readonly packed?: undefined;
  readonly original?: undefined;
}

/** A weight that is put together while it is loaded. */
export interface QuantisedTensor {
  /** the largest of the tensors that it is made of */
  readonly entry: TensorEntry;
  readonly shape: readonly number[];
  readonly format: PackedFormatName;
  readonly packed: PackedTensor;
  /** what it is quantised from while it is loaded, where the files hold floats */
  readonly original?: BlockTensor;
}

/** A model whose headers are read and checked; no weights are in memory. */
export interface Checkpoint {
  readonly name: string;
  readonly kind: 'folder' | 'gguf';
  readonly description: ModelDescription;
  readonly config: Readonly<Record<string, unknown>>;
  readonly generationConfig: unknown;
  /** of a model of images */
  readonly preprocessorConfig?: unknown;
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  readonly catalog: WeightCatalog;
  /** how the linears are quantised while they are loaded, where they are */
  readonly quantisation?: Quantisation;
  readonly tokenizer:
    | { readonly kind: 'files'; readonly files: HfTokenizerFiles }
    | { readonly kind: 'gguf'; readonly metadata: GgufMetadata };
  readonly files: FileSet;
}

/**
 * Opens a Hugging Face folder or a GGUF file by its headers. Throws a UserError that names the file, and the tensor or field where
 * there is one: unknown family, tensors missing or of another shape, formats that are not supported.
 */
export async function openCheckpoint(files: FileSet, name: string, task?: TaskChoice): Promise<Checkpoint> {
  const ggufs = [...files.values()].filter((source) => source.name.toLowerCase().endsWith('.gguf'));
  const [gguf] = ggufs;
  if (ggufs.length > 1) throw new UserError(`There are ${ggufs.length} GGUF files. Choose one of them.`);
  return gguf ? openGguf(files, gguf.name, name, task) : openFolder(files, name, task);
}

async function openFolder(files: FileSet, name: string, task: TaskChoice | undefined): Promise<Checkpoint> {
  const folder = await readHfFolder(files);
  const family = familyOf(folder.config);
  const description = family.describe(folder.config as Record<string, unknown>, task);
  const tensors = new Map<string, CheckpointTensor>();
  const { packed, others } = await gatherQuantised(folder.config, folder.tensors, folder.files);
  for (const [stored, { entry, packed: tensor }] of packed) {
    const { format, rows, columns } = tensor;
    const key = family.tensorFromFolder?.(stored, description) ?? stored;
    tensors.set(key, { entry, shape: [rows, columns], format, packed: tensor });
  }
  const transposed = conv1dWeights(description);
  const needed = neededShapes(description);
  for (const [stored, entry] of others) {
    const key = family.tensorFromFolder?.(stored, description) ?? stored;
    if (!isWeightFormat(entry.format)) {
      if (needed.has(key))
        throw new UserError(
          `${entry.source.name}: ${key} is stored as ${entry.format.toUpperCase()}, which is not supported. Use a checkpoint in F32, F16 or BF16.`,
        );
      continue;
    }
    const isTransposed = transposed.has(key);
    const shape = isTransposed ? entry.shape.toReversed() : shapeInModel(entry.shape, needed.get(key));
    tensors.set(key, { entry, shape, format: entry.format, isTransposed });
  }
  return checked({
    name,
    kind: 'folder',
    description: await withStoredHead(description, tensors),
    config: folder.config as Record<string, unknown>,
    generationConfig: folder.generationConfig,
    preprocessorConfig: folder.preprocessorConfig,
    tensors,
    tokenizer: { kind: 'files', files: folder.tokenizer },
    files: folder.files,
  });
}

async function openGguf(files: FileSet, path: string, name: string, task: TaskChoice | undefined): Promise<Checkpoint> {
  const folder = stripCommonFolder(files);
  const source = [...files.values()].find((candidate) => candidate.name === path);
  if (!source) throw new UserError(`${path} is not among the files.`);
  const { metadata, tensors: stored } = await readGguf(source);
  const { family, gguf } = familyOfGguf(metadata.string('general.architecture'));
  const config = gguf.config(metadata, new Set(stored.keys()));
  const factors = stored.get('rope_freqs.weight');
  if (factors)
    config['rope_parameters'] = {
      ...(config['rope_parameters'] as object),
      rope_type: 'factors',
      factors: [...(await readFloatTensor(factors)).data],
    };
  const description = family.describe(config, task);
  const tensors = new Map<string, CheckpointTensor>();
  for (const [key, entry] of stored) {
    const known = gguf.tensor(key, description);
    if (!known || !isWeightFormat(entry.format)) continue;
    const { rowOrder, surplus } = known;
    tensors.set(known.name, { entry, shape: entry.shape, format: entry.format, rowOrder, surplus });
  }
  return checked({
    name,
    kind: 'gguf',
    description,
    config,
    generationConfig: undefined,
    tensors,
    tokenizer: folder.has('tokenizer.json')
      ? { kind: 'files', files: await readTokenizerFiles(folder) }
      : { kind: 'gguf', metadata },
    files,
  });
}

function checked(checkpoint: Omit<Checkpoint, 'catalog'>): Checkpoint {
  const { tensors } = checkpoint;
  const freshTensors = new Set<string>();
  for (const [name, shape] of neededShapes(checkpoint.description)) {
    const tensor = tensors.get(name);
    if (isOfHead(checkpoint.description, name) && tensor?.shape.join() !== shape.join()) {
      freshTensors.add(name);
      continue;
    }
    if (!tensor)
      throw new UserError(
        `The model lacks the tensor ${name}, which its config asks for. Download the model again, with all its files.`,
      );
    if (tensor.shape.join() !== shape.join())
      throw new UserError(
        `${tensor.entry.source.name}: ${name} has the shape [${tensor.shape.join(', ')}], but the config asks for [${shape.join(', ')}]. The config belongs to another model.`,
      );
  }
  const kept = [...tensors].filter(([name]) => !freshTensors.has(name));
  const catalog = new Map(kept.map(([name, { shape, format }]) => [name, { shape, format }]));
  return { ...checkpoint, tensors: new Map(kept), catalog, description: { ...checkpoint.description, freshTensors } };
}

/** Tensors of a classifier may be new: every other task has a head that the model was made with. */
function isOfHead({ task, headPath, newModules = [] }: ModelDescription, name: string): boolean {
  if (task === 'CAUSAL_LM' || task === 'SEQ_2_SEQ_LM') return false;
  return [headPath, ...newModules].some((path) => name === `${path}.weight` || name === `${path}.bias`);
}

/** Every tensor that the model's modules have, with its shape. A tied head has none of its own. */
export function neededShapes(description: ModelDescription): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  for (const { path, kind, inFeatures, outFeatures, hasBias } of description.modules) {
    if (path === description.headPath && description.tieWordEmbeddings) continue;
    shapes.set(
      `${path}.weight`,
      kind === 'norm' ? [outFeatures] : kind === 'embedding' ? [inFeatures, outFeatures] : [outFeatures, inFeatures],
    );
    if (hasBias) shapes.set(`${path}.bias`, [outFeatures]);
  }
  for (const [name, shape] of description.bareTensors ?? []) shapes.set(name, shape);
  return shapes;
}

/** Convolutions over patches and tables with a leading 1 lie in files under another shape of the same numbers in the same order. */
function shapeInModel(stored: readonly number[], wanted: readonly number[] | undefined): readonly number[] {
  return wanted && stored.length > 2 && elementCount(stored) === elementCount(wanted) ? wanted : stored;
}

/** The tensor that serves under this name: a tied head is the embedding. */
export function tensorOf(checkpoint: Checkpoint, name: string): CheckpointTensor {
  const { tieWordEmbeddings, headPath, embeddingPath } = checkpoint.description;
  const stored = tieWordEmbeddings && name === `${headPath}.weight` ? `${embeddingPath}.weight` : name;
  const tensor = checkpoint.tensors.get(stored);
  if (!tensor) throw new UserError(`The model has no tensor ${name}.`);
  return tensor;
}

/** Rows that the tensor is read by: a vector whose elements the file orders otherwise has one in each. */
export function rowsOf({ shape, rowOrder }: BlockTensor): number {
  return shape.length > 1 || rowOrder ? (shape[0] ?? 1) : 1;
}

/** The bytes of whole rows in the model's order. */
export async function readRows(tensor: BlockTensor, rowStart: number, rowCount: number): Promise<Uint8Array> {
  const { entry, rowOrder, isTransposed } = tensor;
  if (isTransposed) return readColumns(entry, rowStart, rowCount);
  const rowBytes = entry.byteLength / rowsOf(tensor);
  if (!rowOrder)
    return entry.source.read(
      entry.byteOffset + rowStart * rowBytes,
      entry.byteOffset + (rowStart + rowCount) * rowBytes,
    );
  const all = await readTensorBytes(entry);
  const ordered = new Uint8Array(rowCount * rowBytes);
  for (let row = 0; row < rowCount; row++) {
    const from = rowOrder(rowStart + row);
    ordered.set(all.subarray(from * rowBytes, (from + 1) * rowBytes), row * rowBytes);
  }
  return ordered;
}

/** Some rows of a matrix of the checkpoint as f32, decoded, behind one another. */
export async function readDecodedRows(
  checkpoint: Checkpoint,
  name: string,
  rows: readonly number[],
): Promise<Float32Array<ArrayBuffer>> {
  const tensor = tensorOf(checkpoint, name);
  const [, columns = 1] = tensor.shape;
  const whole = tensor.packed && (await decodePacked(tensor.packed));
  const rowOf = async (row: number) =>
    tensor.packed
      ? (whole?.subarray(row * columns, (row + 1) * columns) ?? [])
      : weightFormats[tensor.format].decode(await readRows(tensor, row, 1), columns);
  const decoded = new Float32Array(rows.length * columns);
  for (const [i, row] of rows.entries()) decoded.set(await rowOf(row), i * columns);
  return decoded;
}

/** A tensor of the checkpoint as f32, decoded. For tensors small enough to hold, and those that are trained whole. */
export async function readDecoded(checkpoint: Checkpoint, name: string): Promise<Float32Array> {
  return decodeTensor(tensorOf(checkpoint, name));
}

/** A tensor as f32, decoded, in the order of the model. */
export async function decodeTensor(tensor: CheckpointTensor): Promise<Float32Array> {
  return tensor.packed ? decodePacked(tensor.packed) : readBlocks(tensor);
}

/** A weight that is quantised while it is loaded, as it was before. Throws a UserError where it is not. */
export async function readOriginal(checkpoint: Checkpoint, name: string): Promise<Float32Array> {
  const { original } = tensorOf(checkpoint, name);
  if (!original)
    throw new UserError(
      `${name} is not quantised while it is loaded, so that there is nothing that quantising took from it. Set load_in_4bit or load_in_8bit on a model in F32, F16 or BF16, and leave this module out of target_modules where it is not quantised even so.`,
    );
  return readBlocks(original);
}

async function readBlocks(tensor: BlockTensor): Promise<Float32Array> {
  const { surplus } = tensor;
  const data = weightFormats[tensor.format].decode(
    await readRows(tensor, 0, rowsOf(tensor)),
    elementCount(tensor.shape),
  );
  return surplus === undefined ? data : data.map((value) => value - surplus);
}
