import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readFloatTensors, type FloatTensor } from '../../src/formats/floatTensors.ts';
import { fileSource } from '../../src/formats/nodeFiles.ts';

const folder = fileURLToPath(new URL('../fixtures/parity/', import.meta.url));
const casesFolder = join(folder, 'cases');

/** What Hugging Face PEFT measured in a run (tools/make_parity_cases.py). */
export interface Expected {
  /** by optimizer step */
  readonly losses: readonly number[];
  readonly grad_norms: readonly number[];
  readonly learning_rates: readonly number[];
  /** of a method that has a penalty */
  readonly reg_losses?: readonly number[];
  /** AdaLoRA's masks after each step, null before the first cut */
  readonly ranks?: readonly (Readonly<Record<string, readonly boolean[]>> | null)[];
  readonly trainable: number;
  /** over the first six rows of the data, with the adapter at the end */
  readonly eval_loss: number;
  readonly eval_tokens: number;
  readonly probe: {
    readonly text: string;
    readonly logits: readonly number[];
    /** of a model of an encoder and a decoder: what it writes greedily, at most twelve tokens */
    readonly reply?: string;
  };
}

export interface ParityCase {
  readonly name: string;
  readonly folder: string;
  /** the run file */
  readonly config: string;
  /** the base model's folder or file */
  readonly model: string;
  readonly expected: Expected;
}

export function parityCase(name: string): ParityCase {
  const own = join(casesFolder, name);
  const text = readFileSync(join(own, 'config.yaml'), 'utf8');
  const model = /^model: "(.*)"$/m.exec(text)?.[1];
  if (model === undefined) throw new Error(`${name}/config.yaml names no model`);
  return {
    name,
    folder: own,
    config: join(own, 'config.yaml'),
    model: join(own, model),
    expected: JSON.parse(readFileSync(join(own, 'expect.json'), 'utf8')) as Expected,
  };
}

export const caseNames: readonly string[] = readdirSync(casesFolder).sort();

/** The run file with some fields set otherwise (undefined: left out) and its paths made absolute, so that it can lie anywhere. */
export function configWith(given: ParityCase, fields: Readonly<Record<string, unknown>>): string {
  const kept = readFileSync(given.config, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !Object.hasOwn(fields, line.slice(0, line.indexOf(':'))))
    .map((line) =>
      line.replace(
        /^(model|dataset|init_adapter): "(.*)"$/,
        (_, name: string, path: string) => `${name}: ${JSON.stringify(join(given.folder, path))}`,
      ),
    );
  const changed = Object.entries(fields).filter(([, value]) => value !== undefined);
  return [...kept, ...changed.map(([name, value]) => `${name}: ${JSON.stringify(value)}`), ''].join('\n');
}

/** Where PEFT, AdapterHub and a hybrid of both keep tensors. */
const tensorFiles = ['adapter_model.safetensors', 'adapter.safetensors', 'model_head.safetensors'];

/** The tensors of an adapter folder, those of its parts together. */
export async function adapterTensors(adapter: string): Promise<Map<string, FloatTensor>> {
  const files = ['', 'lora', 'adapter']
    .flatMap((part) => tensorFiles.map((file) => join(adapter, part, file)))
    .filter((file) => existsSync(file));
  const read = await Promise.all(files.map(async (file) => readFloatTensors(await fileSource(file))));
  return new Map(read.flatMap((tensors) => [...tensors]));
}

/** The rows that the expected evaluation was made over, in a file of their own. */
export function evaluationRows(given: ParityCase, folder: string): string {
  const file = join(folder, `${given.name}.jsonl`);
  const rows = readFileSync(join(given.folder, 'data.jsonl'), 'utf8').split('\n').slice(0, 6);
  writeFileSync(file, rows.join('\n'));
  return file;
}
