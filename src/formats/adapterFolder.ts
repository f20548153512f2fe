/** An adapter's folder, whichever library saved it: Hugging Face PEFT, AdapterHub, or both of them side by side; or a model trained whole. */
import { baseModelOf, hybridType, wholeModelType, type AdapterFolder } from './adapterContent.ts';
import { readAdapterHubFolder, writeAdapterHubFolder } from './adapterHubFolder.ts';
import { asPeftFolder, isAdapterHubLora } from './adapterHubLora.ts';
import type { FileSet } from './byteSource.ts';
import { readJson } from './byteSource.ts';
import { UserError } from './errors.ts';
import { stripCommonFolder } from './fileSet.ts';
import { howToLoad } from './howToLoad.ts';
import { peftWeights, readPeftFolder, writePeftFolder } from './peftFolder.ts';
import { isWholeModel, readWholeModel, writeWholeModel } from './wholeModelFolder.ts';

export const adapterConfigFile = 'adapter_config.json';

/** The parts of a hybrid adapter by the name of their folder, and which tensors belong there. */
const parts = {
  lora: (key: string) => key.startsWith('base_model.'),
  adapter: (key: string) => !key.startsWith('base_model.'),
} as const;
const partNames = Object.keys(parts) as (keyof typeof parts)[];

/** True for a folder that holds an adapter. */
export function isAdapterFolder(dropped: FileSet): boolean {
  const files = stripCommonFolder(dropped);
  return files.has(adapterConfigFile) || isHybrid(files);
}

function isHybrid(files: FileSet): boolean {
  return partNames.every((name) => files.has(`${name}/${adapterConfigFile}`));
}

/** Reads an adapter whole, as f32. Every refusal is a UserError that names the file. */
export async function readAdapterFolder(dropped: FileSet): Promise<AdapterFolder> {
  const files = stripCommonFolder(dropped);
  const configFile = files.get(adapterConfigFile);
  if (!configFile && isHybrid(files)) return readHybrid(files);
  if (!configFile && isWholeModel(files)) return readWholeModel(files);
  if (!configFile)
    throw new UserError(
      `The folder has no ${adapterConfigFile}. Choose the folder that holds ${adapterConfigFile} and ${peftWeights} or adapter.safetensors.`,
    );
  const config = await readJson(configFile);
  if (isRecord(config) && typeof config['peft_type'] === 'string') return readPeftFolder(files, config);
  if (isRecord(config) && isRecord(config['config'])) {
    const folder = await readAdapterHubFolder(files, config);
    return isAdapterHubLora(config['config']) ? asPeftFolder(folder) : folder;
  }
  throw new UserError(
    `${configFile.name} has neither the peft_type of an adapter that PEFT saved nor the config of one that AdapterHub saved. Choose another folder.`,
  );
}

async function readHybrid(files: FileSet): Promise<AdapterFolder> {
  const read = partNames.map((name) => {
    const inside = [...files].filter(([path]) => path.startsWith(`${name}/`));
    return readAdapterFolder(new Map(inside.map(([path, source]) => [path.slice(name.length + 1), source])));
  });
  const folders = await Promise.all(read);
  return {
    config: Object.fromEntries([
      ['peft_type', hybridType],
      ...partNames.map((name, i) => [name, folders[i]?.config] as const),
    ]),
    tensors: new Map(folders.flatMap(({ tensors }) => [...tensors])),
  };
}

/**
 * The files of an adapter, by their path in its folder, as its library writes them. Throws a UserError where a weight is not finite:
 * such an adapter would spoil every model that loads it.
 */
export function writeAdapterFolder(folder: AdapterFolder): Map<string, Uint8Array<ArrayBuffer>> {
  const { config, tensors, beside } = folder;
  if (config['peft_type'] === wholeModelType) return writeWholeModel(folder);
  if (config['peft_type'] === hybridType) {
    const files = partNames.flatMap((name) => {
      const own = new Map([...tensors].filter(([key]) => parts[name](key)));
      const written = writeAdapterFolder({ config: config[name] as AdapterFolder['config'], tensors: own });
      return [...written].map(([path, bytes]) => [`${name}/${path}`, bytes] as const);
    });
    return new Map([...files, ['README.md', new TextEncoder().encode(hybridReadme(config))]]);
  }
  return 'peft_type' in config ? writePeftFolder(config, tensors, beside) : writeAdapterHubFolder(config, tensors);
}

/** Says what the two parts are, for whoever opens the folder. */
function hybridReadme(config: AdapterFolder['config']): string {
  const lines = howToLoad(config, baseModelOf(config) || 'base-model');
  return [
    '# LoRA and bottleneck adapters, trained together',
    '',
    'lora/ is a PEFT adapter and adapter/ an AdapterHub adapter. Each loads by itself; the model was trained with both:',
    '',
    ...['```python', ...lines, '```', ''],
  ].join('\n');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
