import { UserError } from '../formats/errors.ts';
import type { ModelDescription, ModelFamily, TaskChoice } from './family.ts';
import { llama } from './llama.ts';
import { bert } from './bert.ts';
import { t5 } from './t5.ts';
import { vit } from './vit.ts';
import { bloom } from './bloom.ts';
import { gemma } from './gemma.ts';
import { gpt2 } from './gpt2.ts';
import { phi3 } from './phi3.ts';

/** Every model family that Graft can run. Adding one is its file and a line here. */
export const modelFamilies: readonly ModelFamily[] = [llama, bert, gpt2, bloom, vit, t5, gemma, phi3];

const supported = () => modelFamilies.flatMap((family) => family.modelTypes).join(', ');

/** The model of a config.json with the head of a task. Throws a UserError where the family is not known or has no such head. */
export function describeModel(config: unknown, task?: TaskChoice): ModelDescription {
  return familyOf(config).describe(config as Readonly<Record<string, unknown>>, task);
}

/** The family of a config.json. Throws a UserError that names the unknown model_type and what is supported. */
export function familyOf(config: unknown): ModelFamily {
  if (typeof config !== 'object' || config === null || Array.isArray(config))
    throw new UserError('config.json is not a JSON object. Download it again.');
  const fields = config as Readonly<Record<string, unknown>>;
  const family = modelFamilies.find((candidate) => candidate.modelTypes.includes(String(fields['model_type'])));
  if (fields['model_type'] === undefined)
    throw new UserError(
      `config.json has no model_type, so it is not known what the model is. Graft runs ${supported()}: download the config of the model again.`,
    );
  if (!family)
    throw new UserError(
      `config.json: model_type "${String(fields['model_type'])}" is not supported. Graft runs ${supported()}: choose a model of one of these.`,
    );
  return family;
}

/** The family of a GGUF file's general.architecture. */
export function familyOfGguf(architecture: string): ModelFamily {
  const family = modelFamilies.find((candidate) => candidate.ggufArchitectures.includes(architecture));
  if (!family)
    throw new UserError(
      `The GGUF file holds a model of architecture "${architecture}", which is not supported. Graft reads ${modelFamilies.flatMap((f) => f.ggufArchitectures).join(', ')}.`,
    );
  return family;
}
