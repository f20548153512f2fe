/** The weights of checkpoints that were quantised by bitsandbytes, GPTQ or AWQ: several tensors of the files stand for one. */
import { awqTensor } from '../formats/awq.ts';
import { eightBitTensor, fourBitTensor } from '../formats/bitsandbytes.ts';
import { UserError } from '../formats/errors.ts';
import { gptqTensor, type GptqSettings } from '../formats/gptq.ts';
import type { TensorEntry } from '../formats/tensorEntry.ts';
import type { PackedTensor } from '../quant/packed.ts';

type Entries = ReadonlyMap<string, TensorEntry>;

interface QuantisationConfig {
  readonly quant_method?: unknown;
  readonly bits?: unknown;
  readonly group_size?: unknown;
  /** GPTQModel's name for it since version 5 is format */
  readonly checkpoint_format?: unknown;
  readonly format?: unknown;
  readonly version?: unknown;
  readonly dynamic?: unknown;
}

/** One weight of the model, by its tensors in the files. */
interface Gathered {
  /** the entry that holds the codes */
  readonly entry: TensorEntry;
  readonly packed: PackedTensor;
}

export interface QuantisedTensors {
  /** by the name of the weight, `X.weight` */
  readonly packed: ReadonlyMap<string, Gathered>;
  /** the tensors that stand for themselves */
  readonly others: Entries;
}

/**
 * Puts together what config.json's quantization_config says belongs together; without one every tensor stands for itself.
 * Throws a UserError that names the method, the setting or the tensor that Graft does not read.
 */
export async function gatherQuantised(config: unknown, entries: Entries): Promise<QuantisedTensors> {
  const settings = (config as { quantization_config?: QuantisationConfig | null } | null)?.quantization_config;
  if (!settings) return { packed: new Map(), others: entries };
  const method = String(settings.quant_method);
  const gather = Object.hasOwn(methods, method) ? methods[method] : undefined;
  if (!gather)
    throw new UserError(
      `config.json: the weights are quantised by "${method}", which Graft does not read. It reads ${Object.keys(methods).join(', ')}, and GGUF files: choose the model in one of these, or in F32, F16 or BF16.`,
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

interface Weight {
  readonly weight: string;
  readonly tensor: PackedTensor;
  /** names of the tensors that it was put together from */
  readonly parts: readonly string[];
}

/** Gives the weight whose codes the tensor holds; undefined for any other tensor. */
type Gather = (
  name: string,
  entry: TensorEntry,
  entries: Entries,
  settings: QuantisationConfig,
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
    return { weight: name, tensor: eightBitTensor(weight, scb), parts: [name, scb.name, `${name}_format`] };
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
  const tensor = await fourBitTensor({
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
  settings: QuantisationConfig,
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
    gptqSettings(settings),
  );
  return { weight: `${module}.weight`, tensor, parts };
}

function gptqSettings({ bits, group_size: groupSize, dynamic, ...named }: QuantisationConfig): GptqSettings {
  const format = named.checkpoint_format ?? named.format ?? 'gptq';
  if (bits !== 2 && bits !== 3 && bits !== 4 && bits !== 8)
    throw unread('bits', bits, 'GPTQ weights of 2, 3, 4 and 8 bits');
  if (typeof groupSize !== 'number') throw unread('group_size', groupSize, 'a number of inputs, or -1');
  if (format !== 'gptq' && format !== 'gptq_v2') throw unread('checkpoint_format', format, 'gptq and gptq_v2');
  if (dynamic !== undefined && dynamic !== null && Object.keys(dynamic).length > 0)
    throw unread('dynamic', dynamic, 'GPTQ weights that all have the same settings');
  return { bits, groupSize, storesZeroPoints: format === 'gptq_v2' };
}

async function gatherAwq(
  name: string,
  qweight: TensorEntry,
  entries: Entries,
  { bits, group_size: groupSize, version = 'gemm' }: QuantisationConfig,
): Promise<Weight | undefined> {
  const { module, part, parts } = partsOf(name, ['qweight', 'qzeros', 'scales']) ?? {};
  if (module === undefined || !part || !parts) return undefined;
  if (bits !== 4) throw unread('bits', bits, 'AWQ weights of 4 bits');
  if (typeof groupSize !== 'number') throw unread('group_size', groupSize, 'a number of inputs, or -1');
  if (String(version).toLowerCase() !== 'gemm') throw unread('version', version, 'AWQ in the version gemm');
  const tensor = awqTensor(
    {
      qweight,
      qzeros: required(entries, qweight, part('qzeros')),
      scales: required(entries, qweight, part('scales')),
    },
    groupSize,
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

function unread(field: string, value: unknown, read: string): UserError {
  return new UserError(
    `config.json: quantization_config.${field} is ${JSON.stringify(value)}, which Graft does not read. It reads ${read}.`,
  );
}
