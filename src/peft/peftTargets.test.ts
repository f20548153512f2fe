import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { attachTo } from '../../tests/peft/gradients.ts';
import { UserError } from '../formats/errors.ts';
import type { ModelDescription, TaskType } from '../models/family.ts';
import { describeModel } from '../models/registry.ts';
import { rankOf, scaleOf } from './lora/scale.ts';
import type { Adapter } from './method.ts';
import { methodOf } from './registry.ts';
import { keyPrefix } from './savedModules.ts';
import { readFields } from './schema.ts';

/** What PEFT made of fields on a model (tools/make_target_fixture.py); numbers are those of modules. */
interface Case {
  readonly fields: Readonly<Record<string, unknown>>;
  /** false where PEFT refuses */
  readonly targets: readonly number[] | false;
  readonly saved?: readonly number[];
  readonly ranks?: readonly number[];
  readonly scales?: readonly number[];
  readonly feedforward?: readonly number[];
}

interface Model {
  readonly config: Readonly<Record<string, unknown>>;
  readonly task: TaskType;
  readonly modules: readonly string[];
  readonly cases: readonly Case[];
}

const { models } = JSON.parse(readFileSync(new URL('../../tests/fixtures/targets.json', import.meta.url), 'utf8')) as {
  models: Model[];
};

/** The modules that an adapter changes and those that it trains whole, by what its parameters are called. */
function modulesOf({ modules }: ModelDescription, { parameters }: Adapter) {
  const targets = new Set<string>();
  const saved = new Set<string>();
  for (const { name } of parameters) {
    if (!name.startsWith(keyPrefix)) continue;
    const key = name.slice(keyPrefix.length);
    const module = modules.find(({ path }) => key.startsWith(`${path}.`));
    if (!module) continue;
    const isWhole = [`${module.path}.weight`, `${module.path}.bias`].includes(key);
    (isWhole ? saved : targets).add(module.path);
  }
  return { targets: [...targets].sort(), saved: [...saved].sort() };
}

describe.each(models)('targets are those of PEFT: $config.model_type, $task', ({ config, task, modules, cases }) => {
  const description = describeModel(config, { type: task });
  const taskType = task === 'IMAGE_CLS' ? null : task;

  it.each(cases)('$fields', ({ fields, targets, saved = [], ...expected }) => {
    const attach = () => attachTo(description, fields, taskType as string);
    if (targets === false) {
      expect(attach).toThrow(UserError);
      return;
    }
    const paths = (numbers: readonly number[]) => numbers.map((number) => modules[number] ?? '').sort();
    const adapter = attach();
    expect(modulesOf(description, adapter)).toEqual({ targets: paths(targets), saved: paths(saved) });
    if (expected.feedforward) {
      const inputs = adapter.parameters.filter(
        ({ name, shapeInFile }) => name.endsWith('.ia3_l') && shapeInFile?.[0] === 1,
      );
      const scaled = inputs.map(({ name }) => name.slice(keyPrefix.length, -'.ia3_l'.length));
      expect(scaled.sort()).toEqual(paths(expected.feedforward));
    }
    if (expected.ranks) {
      const own = readFields(methodOf('LORA').fields, fields);
      const ranks = targets.map((number) => rankOf(own, modules[number] ?? ''));
      expect(ranks).toEqual(expected.ranks);
      expect(targets.map((number, i) => scaleOf(own, modules[number] ?? '', ranks[i] ?? 0))).toEqual(expected.scales);
    }
  });
});
