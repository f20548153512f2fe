import { UserError } from '../formats/errors.ts';
import type { FormatName, PackedFormatName } from '../quant/format.ts';
import { quantised, quantisedFormat, type Quantisation } from '../quant/quantise.ts';
import { formatLabel, weightFormats } from '../quant/registry.ts';
import type { WeightCatalog } from './builder.ts';
import { readRows, type BlockTensor, type Checkpoint, type CheckpointTensor } from './checkpoint.ts';
import type { ModelDescription } from './family.ts';

/** Formats of weights that can be quantised. */
export const floatFormats: readonly string[] = ['f32', 'f16', 'bf16'];

/** Columns that a lane of the embedding's kernel looks up at once. */
const embeddingStep = 8;

/**
 * The checkpoint with its linears quantised while they are loaded: all but the head, as Transformers quantises; with `embeddings` the
 * embedding and the head in INT8, too. Throws a UserError for weights that are quantised already, and for an embedding that
 * kernels could not look up.
 */
export function quantiseCheckpoint(checkpoint: Checkpoint, quantisation: Quantisation): Checkpoint {
  const { description, catalog } = checkpoint;
  const tensors = new Map<string, CheckpointTensor>(checkpoint.tensors);
  for (const [name, wanted] of quantisedWeights(description, catalog, quantisation)) {
    const tensor = tensors.get(name);
    if (tensor && !tensor.packed) tensors.set(name, quantiseTensor(name, tensor, wanted));
  }
  return { ...checkpoint, quantisation, tensors, catalog: quantiseCatalog(catalog, description, quantisation) };
}

/** Shapes and formats of the weights once they are quantised. Throws as quantiseCheckpoint does. */
export function quantiseCatalog(
  catalog: WeightCatalog,
  description: ModelDescription,
  quantisation: Quantisation,
): WeightCatalog {
  const formats = new Map<string, PackedFormatName>();
  for (const [name, wanted] of quantisedWeights(description, catalog, quantisation))
    formats.set(name, quantisedFormat(wanted, catalog.get(name)?.shape.at(-1)));
  return new Map(
    [...catalog].map(([name, { shape, format }]) => [name, { shape, format: formats.get(name) ?? format }]),
  );
}

/** The weights that are quantised, and how. Throws as quantiseCheckpoint does. */
export function quantisedWeights(
  description: ModelDescription,
  catalog: WeightCatalog,
  quantisation: Quantisation,
): Map<string, Quantisation> {
  const { modules, embeddingPath, headPath, newModules = [], keptInFloats } = description;
  const weights = new Map<string, Quantisation>();
  for (const { path, kind } of modules) {
    const name = `${path}.weight`;
    const stored = catalog.get(name);
    const isOuter = path === embeddingPath || path === headPath || newModules.includes(path);
    const isKept =
      kind === 'norm' || (kind === 'embedding' && !isOuter) || (keptInFloats && path.endsWith(keptInFloats));
    if (!stored || isKept || (isOuter && !quantisation.embeddings)) continue;
    const wanted: Quantisation = isOuter ? { kind: 'int8', doubleQuant: false } : quantisation;
    requireFloats(name, stored.format);
    if (kind === 'embedding') requireWholeSteps(name, stored.shape.at(-1) ?? 1);
    weights.set(name, wanted);
  }
  return weights;
}

function requireFloats(name: string, format: FormatName): void {
  if (floatFormats.includes(format)) return;
  throw new UserError(
    `load_in_4bit, load_in_8bit: ${name} is quantised already (${formatLabel(format)}). Leave these fields out: it is trained on as it is.`,
  );
}

function requireWholeSteps(name: string, columns: number): void {
  if (columns % embeddingStep !== 0)
    throw new UserError(
      `${name} has rows of ${columns} weights, and an embedding in 8 bits needs a multiple of ${embeddingStep}. Leave it as it is stored.`,
    );
}

function quantiseTensor(name: string, tensor: BlockTensor, quantisation: Quantisation): CheckpointTensor {
  const [rows = 1, columns = 1] = tensor.shape;
  const read = async (rowStart: number, rowCount: number) =>
    weightFormats[tensor.format].decode(await readRows(tensor, rowStart, rowCount), rowCount * columns);
  const packed = quantised({ name, rows, columns, read }, quantisation);
  return { entry: tensor.entry, shape: tensor.shape, format: packed.format, packed, original: tensor };
}
