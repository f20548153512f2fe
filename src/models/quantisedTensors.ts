/** The weights of checkpoints that were quantised by bitsandbytes, GPTQ or AWQ: several tensors of the files stand for one. */
import { awqTensor } from '../formats/awq.ts';
import { storedEightBit, storedFourBit } from '../formats/bitsandbytesStored.ts';
import type { FileSet } from '../formats/byteSource.ts';
import { UserError } from '../formats/errors.ts';
import { gptqTensor } from '../formats/gptq.ts';
import type { StoredTensor } from '../formats/storedTensor.ts';
import type { TensorEntry } from '../formats/tensorEntry.ts';
import { awqGroupSize, gptqSettings, readQuantisationConfig, type QuantisationConfig } from './quantisationConfig.ts';

type Entries = ReadonlyMap<string, TensorEntry>;

/** One weight of the model, by its tensors in the files. */
interface Gathered {
  /** the entry that holds the codes */
  readonly entry: TensorEntry;
  readonly packed: StoredTensor;
}

export interface QuantisedTensors {
  /** by the name of the weight, `X.weight` */
  readonly packed: ReadonlyMap<string, Gathered>;
  /** the tensors that stand for themselves */
  readonly others: Entries;
}

/**
 * Puts together what the folder's quantization_config says belongs together; without one every tensor stands for itself. Modules that
 * it leaves as floats need no word of it: their tensors are floats.
 * Throws a UserError that names the method, the setting or the tensor that Graft does not read.
 * @param files of the folder: older ones have the settings in a file of their own
 */
export async function gatherQuantised(config: unknown, entries: Entries, files: FileSet): Promise<QuantisedTensors> {
  const settings = await readQuantisationConfig(config, files);
  if (!settings) {
    refusePacked(entries);
    return { packed: new Map(), others: entries };
  }
  const { method, place } = settings;
  const gather = Object.hasOwn(methods, method) ? methods[method] : undefined;
  if (!gather)
    throw new UserError(
      `${place}: the weights are quantised by "${method}", which Graft does not read. It reads ${Object.keys(methods).join(', ')}, and GGUF files: choose the model in one of these, or in F32, F16 or BF16.`,
    );
  const packed = new Map<string, Gathered>();
  const taken = new Set<string>();
  for (const [name, entry] of entries) {
    const gathered = await gather(name, entry, entries, settings);
    if (!gathered) continue;
    packed.set(gathered.weight, { entry, packed: gathered.tensor });
    for (const part of gathered.parts) taken.add(part);
  }
  return { packed, others: new Map([...entries].filter(([name]) => !taken.has(name))) };
}

/** Codes whose settings are nowhere cannot be read; a missing weight alone would not say why. */
function refusePacked(entries: Entries): void {
  const codes = [...entries.values()].find(({ name }) => name.endsWith('.qweight'));
  if (!codes) return;
  throw new UserError(
    `${codes.source.name}: ${codes.name} is quantised by GPTQ or AWQ, but neither config.json has a quantization_config nor is there a quantize_config.json that says how. Add that file from where the model comes from.`,
  );
}

interface Weight {
  readonly weight: string;
  readonly tensor: StoredTensor;
  /** names of the tensors that it was put together from */
  readonly parts: readonly string[];
}

/** Gives the weight whose codes the tensor holds; undefined for any other tensor. */
type Gather = (
  name: string,
  entry: TensorEntry,
  entries: Entries,
  config: QuantisationConfig,
) => Promise<Weight | undefined>;

const methods: Readonly<Record<string, Gather>> = {
  bitsandbytes: gatherBitsandbytes,
  gptq: gatherGptq,
  awq: gatherAwq,
};

async function gatherBitsandbytes(name: string, weight: TensorEntry, entries: Entries): Promise<Weight | undefined> {
  const scb = entries.get(name.replace(/\.weight$/, '.SCB'));
  if (name.endsWith('.weight') && weight.format === 'i8') {
    if (!scb) throw missing(weight, name.replace(/\.weight$/, '.SCB'));
    return { weight: name, tensor: storedEightBit(weight, scb), parts: [name, scb.name, `${name}_format`] };
  }
  const state = [...fourBitTypes]
    .map((type) => `${name}.quant_state.bitsandbytes__${type}`)
    .find((key) => entries.has(key));
  if (!state) {
    if (name.endsWith('.weight') && weight.format === 'u8')
      throw missing(weight, `${name}.quant_state.bitsandbytes__nf4`);
    return undefined;
  }
  const part = (suffix: string) => `${name}.${suffix}`;
  const parts = ['absmax', 'quant_map', 'nested_absmax', 'nested_quant_map'].map(part);
  const tensor = await storedFourBit({
    weight,
    absmax: required(entries, weight, part('absmax')),
    quantMap: required(entries, weight, part('quant_map')),
    quantState: required(entries, weight, state),
    nestedAbsmax: entries.get(part('nested_absmax')),
    nestedQuantMap: entries.get(part('nested_quant_map')),
  });
  return { weight: name, tensor, parts: [name, state, ...parts] };
}

const fourBitTypes = ['nf4', 'fp4'] as const;

async function gatherGptq(
  name: string,
  qweight: TensorEntry,
  entries: Entries,
  config: QuantisationConfig,
): Promise<Weight | undefined> {
  const { module, part, parts } = partsOf(name, ['qweight', 'qzeros', 'scales', 'g_idx']) ?? {};
  if (module === undefined || !part || !parts) return undefined;
  const tensor = await gptqTensor(
    {
      qweight,
      qzeros: required(entries, qweight, part('qzeros')),
      scales: required(entries, qweight, part('scales')),
      gIdx: entries.get(part('g_idx')),
    },
    gptqSettings(config, module),
  );
  return { weight: `${module}.weight`, tensor, parts };
}

async function gatherAwq(
  name: string,
  qweight: TensorEntry,
  entries: Entries,
  config: QuantisationConfig,
): Promise<Weight | undefined> {
  const { module, part, parts } = partsOf(name, ['qweight', 'qzeros', 'scales']) ?? {};
  if (module === undefined || !part || !parts) return undefined;
  const tensor = awqTensor(
    {
      qweight,
      qzeros: required(entries, qweight, part('qzeros')),
      scales: required(entries, qweight, part('scales')),
    },
    awqGroupSize(config, module),
  );
  return { weight: `${module}.weight`, tensor, parts };
}

/** The names of a module's tensors, if `name` is that of its codes, the first of the suffixes. */
function partsOf(name: string, suffixes: readonly string[]) {
  const [codes] = suffixes;
  if (!name.endsWith(`.${codes}`)) return undefined;
  const module = name.slice(0, -`.${codes}`.length);
  const part = (suffix: string) => `${module}.${suffix}`;
  return { module, part, parts: suffixes.map(part) };
}

function required(entries: Entries, weight: TensorEntry, name: string): TensorEntry {
  const entry = entries.get(name);
  if (!entry) throw missing(weight, name);
  return entry;
}

function missing(weight: TensorEntry, name: string): UserError {
  return new UserError(
    `${weight.source.name}: ${weight.name} is quantised, but ${name} is missing. Download the model again, with all its files.`,
  );
}
