import { bitsandbytesSpecs, bitsandbytesTensors, isBitsandbytesFormat } from '../formats/bitsandbytesWriter.ts';
import { UserError } from '../formats/errors.ts';
import type { SafetensorsDtype } from '../formats/safetensors.ts';
import { planSafetensors, type SafetensorsPlan, type TensorSpec } from '../formats/safetensorsWriter.ts';
import { readTensorBytes } from '../formats/tensorEntry.ts';
import type { Quantisation } from '../quant/quantise.ts';
import { neededShapes, type Checkpoint, type CheckpointTensor } from './checkpoint.ts';

/** A checkpoint that is quantised while it is loaded, as a folder that bitsandbytes and Transformers read. */
export interface QuantisedFolder {
  readonly config: Readonly<Record<string, unknown>>;
  /** of model.safetensors */
  readonly plan: SafetensorsPlan;
  /** The bytes of the plan's tensors, in its order. The codes of one weight at a time are in memory, so each is quantised twice. */
  bytes(): AsyncGenerator<Uint8Array>;
}

const dtypes: Readonly<Record<string, SafetensorsDtype>> = { f32: 'F32', f16: 'F16', bf16: 'BF16' };

/** Throws a UserError for a model that is not a folder of floats which is being quantised. */
export function quantisedFolder(checkpoint: Checkpoint): QuantisedFolder {
  const { kind, quantisation, config, description, tensors } = checkpoint;
  if (kind !== 'folder' || !quantisation)
    throw new UserError(
      'Only a folder in F32, F16 or BF16 that load_in_4bit or load_in_8bit quantises can be written quantised.',
    );
  const stored = [...neededShapes(description).keys()].flatMap((name) => tensors.get(name) ?? []);
  const owners = new Map<string, CheckpointTensor>();
  const specs = stored.flatMap((tensor) => {
    const own = specsOf(tensor);
    for (const { name } of own) owners.set(name, tensor);
    return own;
  });
  const plan = planSafetensors(specs);
  return {
    config: { ...config, quantization_config: bitsandbytesConfig(quantisation) },
    plan,
    bytes: () => bytesInOrder(plan, owners),
  };
}

async function* bytesInOrder(
  plan: SafetensorsPlan,
  owners: ReadonlyMap<string, CheckpointTensor>,
): AsyncGenerator<Uint8Array> {
  /** scales and tables, which lie elsewhere in the file than the codes */
  const small = new Map<string, Uint8Array>();
  const written = new Set<string>();
  for (const { name } of plan.order) {
    const owner = owners.get(name);
    const parts = small.has(name) || !owner ? small : await tensorsOf(owner);
    const bytes = parts.get(name);
    if (!bytes) throw new Error(`${name} was planned and not made`);
    written.add(name);
    small.delete(name);
    for (const [part, made] of parts) if (part !== owner?.entry.name && !written.has(part)) small.set(part, made);
    yield bytes;
  }
}

function specsOf(tensor: CheckpointTensor): TensorSpec[] {
  const { entry, format } = tensor;
  if (tensor.packed && isBitsandbytesFormat(format)) return bitsandbytesSpecs(entry.name, tensor.packed);
  const dtype = dtypes[format];
  if (!dtype)
    throw new UserError(`${entry.source.name}: ${entry.name} is stored as ${format}, which cannot be copied.`);
  return [{ name: entry.name, shape: entry.shape, dtype }];
}

function tensorsOf(tensor: CheckpointTensor): Promise<ReadonlyMap<string, Uint8Array>> {
  const { entry, packed } = tensor;
  if (packed) return bitsandbytesTensors(entry.name, packed);
  return readTensorBytes(entry).then((bytes) => new Map([[entry.name, bytes]]));
}

/** As Transformers' BitsAndBytesConfig.to_dict writes it. */
export function bitsandbytesConfig({ kind, doubleQuant }: Quantisation): Readonly<Record<string, unknown>> {
  const isEight = kind === 'int8';
  return {
    quant_method: 'bitsandbytes',
    load_in_8bit: isEight,
    load_in_4bit: !isEight,
    bnb_4bit_quant_type: isEight ? 'fp4' : kind,
    bnb_4bit_use_double_quant: doubleQuant,
    bnb_4bit_compute_dtype: 'float32',
    bnb_4bit_quant_storage: 'uint8',
    llm_int8_has_fp16_weight: false,
    llm_int8_skip_modules: null,
  };
}
