/** What a folder says of how its weights are quantised: the quantization_config of its config.json, or a file of their own. */
import type { GptqSettings } from '../formats/gptq.ts';
import { readJson, type FileSet } from '../formats/byteSource.ts';
import { UserError } from '../formats/errors.ts';

/** The fields that matter, under the names of AutoGPTQ, GPTQModel, AutoAWQ and Transformers. */
interface Fields {
  /** folders of the first Transformers that quantised have none: one of the two after it says that it is bitsandbytes */
  readonly quant_method?: unknown;
  readonly load_in_4bit?: unknown;
  readonly load_in_8bit?: unknown;
  readonly bits?: unknown;
  readonly group_size?: unknown;
  /** AutoAWQ's names of these two */
  readonly w_bit?: unknown;
  readonly q_group_size?: unknown;
  /** GPTQModel's name for it since version 5 is format */
  readonly checkpoint_format?: unknown;
  readonly format?: unknown;
  readonly version?: unknown;
  /** GPTQModel: pattern of module paths → fields that are otherwise there */
  readonly dynamic?: Readonly<Record<string, Fields>> | null;
  /** GPTQ: the columns of a group are any, in the order of their activations */
  readonly desc_act?: unknown;
  readonly bnb_4bit_quant_type?: unknown;
  readonly bnb_4bit_use_double_quant?: unknown;
}

export interface QuantisationConfig {
  readonly method: string;
  readonly fields: Fields;
  /** where it stands, for messages */
  readonly place: string;
}

/** Files of folders that were written before Transformers kept the settings in config.json. */
const ownFiles = [
  ['quantize_config.json', 'gptq'],
  ['quant_config.json', 'awq'],
] as const;

/** Their names, for what is copied along. */
export const settingsFiles: readonly string[] = ownFiles.map(([name]) => name);

/** Undefined where weights are as they say themselves. */
export async function readQuantisationConfig(config: unknown, files: FileSet): Promise<QuantisationConfig | undefined> {
  const within = quantisationWithin(config);
  if (within) return within;
  for (const [name, usual] of ownFiles) {
    const source = files.get(name);
    if (!source) continue;
    const own = (await readJson(source)) as Fields;
    return { method: String(own.quant_method ?? usual), fields: own, place: name };
  }
  return undefined;
}

/** What config.json itself says. Throws a UserError where it does not name the method. */
export function quantisationWithin(config: unknown): QuantisationConfig | undefined {
  const fields = (config as { quantization_config?: Fields | null } | null)?.quantization_config;
  if (!fields) return undefined;
  const place = 'config.json: quantization_config';
  const method = fields.quant_method ?? (fields.load_in_4bit || fields.load_in_8bit ? 'bitsandbytes' : undefined);
  if (method === undefined) throw unread({ place }, 'quant_method', undefined, '');
  return { method: String(method), fields, place };
}

/** Throws a UserError that names the field. @param module path of the linear: GPTQModel may give it settings of its own */
export function gptqSettings(config: QuantisationConfig, module: string): GptqSettings {
  const fields = fieldsOf(config, module);
  const format = fields.checkpoint_format ?? fields.format ?? 'gptq';
  const bits = fields.bits ?? fields.w_bit;
  if (bits !== 2 && bits !== 3 && bits !== 4 && bits !== 8)
    throw unread(config, 'bits', bits, 'GPTQ weights of 2, 3, 4 and 8 bits');
  if (format !== 'gptq' && format !== 'gptq_v2') throw unread(config, 'checkpoint_format', format, 'gptq and gptq_v2');
  return { bits, groupSize: groupSizeOf(config, fields), storesZeroPoints: format === 'gptq_v2' };
}

/** The group size of AWQ's weights. Throws a UserError that names the field. */
export function awqGroupSize(config: QuantisationConfig, module: string): number {
  const fields = fieldsOf(config, module);
  const bits = fields.bits ?? fields.w_bit;
  const version = fields.version ?? fields.checkpoint_format ?? fields.format ?? 'gemm';
  if (bits !== 4) throw unread(config, 'bits', bits, 'AWQ weights of 4 bits');
  if (String(version).toLowerCase() !== 'gemm') throw unread(config, 'version', version, 'AWQ in the version gemm');
  return groupSizeOf(config, fields);
}

function groupSizeOf(config: QuantisationConfig, fields: Fields): number {
  const size = fields.group_size ?? fields.q_group_size;
  if (typeof size === 'number' && Number.isInteger(size) && size !== 0) return size;
  throw unread(config, 'group_size', size, 'a number of inputs, or -1');
}

/**
 * The settings of one module, as GPTQModel finds them (quantization/config.py, dynamic_get): of the patterns that match from the beginning
 * of its path the first counts. One after "-:" leaves the module as floats, whose tensors say so themselves.
 */
function fieldsOf({ fields, place }: QuantisationConfig, module: string): Fields {
  for (const [pattern, own] of Object.entries(fields.dynamic ?? {}))
    if (startsWith(module, pattern.replace(/^[+-]:/, ''), place))
      return pattern.startsWith('-:') ? fields : { ...fields, ...own };
  return fields;
}

function startsWith(path: string, pattern: string, place: string): boolean {
  try {
    return new RegExp(pattern, 'y').test(path);
  } catch (cause) {
    throw new UserError(
      `${place}.dynamic has the pattern ${JSON.stringify(pattern)}, which Graft cannot read as a regular expression. Write it without what Python alone knows, such as (?i) or (?P<name>…).`,
      { cause },
    );
  }
}

function unread({ place }: Pick<QuantisationConfig, 'place'>, field: string, value: unknown, read: string): UserError {
  return new UserError(
    value === undefined
      ? `${place} has no ${field}, without which the weights cannot be read. Take the file from where the model comes from.`
      : `${place}.${field} is ${JSON.stringify(value)}, which Graft does not read. It reads ${read}.`,
  );
}
