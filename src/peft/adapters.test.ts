import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { modelSizes } from '../../tests/peft/modelSizes.ts';
import { readAdapterFolder } from '../formats/adapterFolder.ts';
import { readFloatTensors, type FloatTensor } from '../formats/floatTensors.ts';
import { fileSource, folderFiles } from '../formats/nodeFiles.ts';
import type { ModelDescription, TaskType } from '../models/family.ts';
import { describeModel } from '../models/registry.ts';
import { readAdapterFields } from './adapterConfig.ts';
import { fileShape, tensorsForFile, valuesFromFile } from './initialize.ts';
import type { Adapter } from './method.ts';
import { methodOfConfig } from './registry.ts';
import { readFields } from './schema.ts';

const parity = fileURLToPath(new URL('../../tests/fixtures/parity/', import.meta.url));
const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;

function attach(description: ModelDescription, config: Readonly<Record<string, unknown>>): Adapter {
  const method = methodOfConfig(config);
  return method.attach(readFields(method.fields, config), { description, baseModelName: null, taskType: 'CAUSAL_LM' });
}

/** The adapter that a folder's config stands for. */
function attachFile(description: ModelDescription, config: Readonly<Record<string, unknown>>): Adapter {
  const method = methodOfConfig(config);
  return method.attach(readAdapterFields(method, config), { description, baseModelName: null, taskType: 'CAUSAL_LM' });
}

/** Cases over Hugging Face folders, with what PEFT or AdapterHub wrote for each. */
const cases = readdirSync(`${parity}cases`).flatMap((name) => {
  const run = readFileSync(`${parity}cases/${name}/config.yaml`, 'utf8');
  const field = (key: string) => new RegExp(`^${key}: "(.*)"$`, 'm').exec(run)?.[1];
  const model = field('model') ?? '';
  const task = field('task_type') as TaskType | undefined;
  const folder = `${parity}cases/${name}/`;
  return model.endsWith('.gguf') ? [] : [{ name, task, model: `${folder}${model}`, init: `${folder}init` }];
});

/** The description for a case's task, with as many labels as its file has a head for. */
function describeFor(config: unknown, type: TaskType | undefined, tensors: ReadonlyMap<string, FloatTensor>) {
  const [, head] = [...tensors].find(([key]) => /(score|classifier|out_proj)\.weight$/.test(key)) ?? [];
  return describeModel(config, type && { type, numLabels: head?.shape[0] });
}

describe('the file of an adapter', () => {
  it.each(cases)('has the keys and shapes that its library writes: $name', async ({ task, model, init }) => {
    const { config, tensors: theirs } = await readAdapterFolder(await folderFiles(init));
    const attached = attachFile(describeFor(readJson(`${model}/config.json`), task, theirs), config);
    const adapter = attached.fromContent ? (attached.forUse ?? attached) : attached;
    const inFile = adapter.parameters.filter(({ isInFile = true }) => isInFile);
    const ours = new Map(inFile.map((spec) => [spec.name, fileShape(spec).join()]));
    const read = [...theirs.keys()].filter((key) => adapter.baseTensors.has(key) || !adapter.ignoresKey(key));
    expect([...ours.keys(), ...adapter.baseTensors.keys()].sort()).toEqual(read.sort());
    for (const [name, shape] of ours) expect(theirs.get(name)?.shape.join(), name).toBe(shape);
    const values = valuesFromFile(adapter, theirs);
    for (const [name, { data, shape }] of tensorsForFile(adapter, values))
      expect({ name, shape, data }).toEqual({ name, shape: theirs.get(name)?.shape, data: theirs.get(name)?.data });
  });

  it('is refused as a whole where a tensor is missing, too much or of another shape', async () => {
    const [{ model, init } = { model: '', init: '' }] = cases.filter(({ name }) => name === 'llama-lora');
    const adapter = attach(describeModel(readJson(`${model}/config.json`)), readJson(`${init}/adapter_config.json`));
    const tensors = await readFloatTensors(await fileSource(`${init}/adapter_model.safetensors`));
    const [first = '', second = ''] = tensors.keys();
    const without = new Map([...tensors].filter(([name]) => name !== first));
    expect(() => valuesFromFile(adapter, without)).toThrow(`missing ${first}`);
    const tensor = tensors.get(second);
    if (!tensor) throw new Error('the fixture has two tensors');
    const spoilt = new Map(tensors).set(second, { ...tensor, shape: [...tensor.shape].reverse() }).set('stray', tensor);
    expect(() => valuesFromFile(adapter, spoilt)).toThrow(second);
    expect(() => valuesFromFile(adapter, spoilt)).toThrow('unexpected stray');
  });
});

describe('LoRA', () => {
  const description = describeModel(modelSizes['SmolLM2-135M']);
  const initials = (config: Readonly<Record<string, unknown>>) => {
    const { parameters } = attach(description, { peft_type: 'LORA', target_modules: ['q_proj'], ...config });
    return parameters.slice(0, 2).map(({ initial }) => initial);
  };

  it('starts as PEFT does', () => {
    const uniform = { kind: 'uniform', bound: 1 / 24 };
    expect(initials({})).toEqual([uniform, { kind: 'constant', value: 0 }]);
    expect(initials({ init_lora_weights: 'gaussian', r: 4 })[0]).toEqual({ kind: 'normal', std: 0.25 });
    expect(initials({ init_lora_weights: false, r: 4 })).toEqual([uniform, { kind: 'uniform', bound: 0.5 }]);
    expect(initials({ target_modules: ['embed_tokens'] })).toEqual([
      { kind: 'constant', value: 0 },
      { kind: 'normal', std: 1 },
    ]);
  });

  it('writes the choice of a start as adapter_config.json spells it, and refuses one that it does not know', () => {
    for (const given of [true, 'true'])
      expect(attach(description, { peft_type: 'LORA', init_lora_weights: given }).config['init_lora_weights']).toBe(
        true,
      );
    expect(() => initials({ init_lora_weights: 'corda' })).toThrow(/init_lora_weights: "corda"/);
  });

  it("reads over the biases that PEFT writes a second time under a head's wrapper", () => {
    const classifier = describeModel({ model_type: 'roberta' }, { type: 'SEQ_CLS', numLabels: 2 });
    const { ignoresKey } = attach(classifier, { peft_type: 'LORA', bias: 'all' });
    const read = ['original_module.dense.bias', 'modules_to_save.default.out_proj.bias', 'modules_to_save.bias'];
    for (const key of read) expect(ignoresKey(`base_model.model.classifier.${key}`), key).toBe(true);
    expect(ignoresKey('base_model.model.classifier.dense.bias')).toBe(false);
  });

  it('refuses a module that is to be both changed and trained whole', () => {
    expect(() => initials({ target_modules: ['lm_head'], modules_to_save: ['lm_head'] })).toThrow();
  });
});

describe('(IA)³', () => {
  it('starts at one, or at random where it is told to', () => {
    const description = describeModel(modelSizes['SmolLM2-135M']);
    const initial = (config: object) => attach(description, { peft_type: 'IA3', ...config }).parameters[0]?.initial;
    expect(initial({})).toEqual({ kind: 'constant', value: 1 });
    expect(initial({ init_ia3_weights: false })).toEqual({ kind: 'normal', std: 1 });
  });
});
