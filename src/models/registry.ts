import { UserError } from '../formats/errors.ts';
import type { GgufReading, ModelDescription, ModelFamily, TaskChoice } from './family.ts';
import { llama } from './llama.ts';
import { bert } from './bert.ts';
import { t5 } from './t5.ts';
import { vit } from './vit.ts';
import { bloom } from './bloom.ts';
import { gemma } from './gemma.ts';
import { gpt2 } from './gpt2.ts';
import { phi3 } from './phi3.ts';

/** Every model family that Graft can run. Adding one is its file and a line here. */
const modelFamilies: readonly ModelFamily[] = [llama, bert, gpt2, bloom, vit, t5, gemma, phi3];

const modelTypes = modelFamilies.flatMap((family) => family.modelTypes);
const ggufArchitectures = modelFamilies.flatMap(({ gguf }) => gguf?.architectures ?? []);

/** The model of a config.json with the head of a task. Throws a UserError where the family is not known or has no such head. */
export function describeModel(config: unknown, task?: TaskChoice): ModelDescription {
  return familyOf(config).describe(config as Readonly<Record<string, unknown>>, task);
}

/** The family of a config.json. Throws a UserError that names the unknown model_type and what is supported. */
export function familyOf(config: unknown): ModelFamily {
  if (typeof config !== 'object' || config === null || Array.isArray(config))
    throw new UserError('config.json is not a JSON object. Download it again.');
  const fields = config as Readonly<Record<string, unknown>>;
  const modelType = fields['model_type'];
  if (modelType === undefined)
    throw new UserError(
      `config.json has no model_type, so it is not known what the model is. Graft runs ${modelTypes.join(', ')}: download the config of the model again.`,
    );
  const name = String(modelType);
  const family = modelFamilies.find((candidate) => candidate.modelTypes.includes(name));
  if (family) return family;
  throw new UserError(
    `config.json: model_type "${name}" is not supported. ${nearestKin(name, modelTypes, likeBuilt(fields))}Graft runs ${modelTypes.join(', ')}: choose a model of one of these.`,
  );
}

/** The family of a GGUF file's general.architecture, and how it reads such a file. Throws a UserError that names what is supported. */
export function familyOfGguf(architecture: string): { readonly family: ModelFamily; readonly gguf: GgufReading } {
  for (const family of modelFamilies)
    if (family.gguf?.architectures.includes(architecture)) return { family, gguf: family.gguf };
  const isInFolders = modelTypes.includes(architecture);
  throw new UserError(
    isInFolders
      ? `A model of architecture "${architecture}" is read from its Hugging Face folder, not from GGUF. Choose the folder.`
      : `The GGUF file holds a model of architecture "${architecture}", which is not supported. ${nearestKin(architecture, ggufArchitectures)}Graft reads ${ggufArchitectures.join(', ')}: choose a model of one of these.`,
  );
}

/** What runs here that is built most like a model of attention layers of another family, as far as its config.json tells. */
function likeBuilt(config: Readonly<Record<string, unknown>>): string | undefined {
  if (config['is_encoder_decoder'] === true) return 't5';
  if (config['patch_size'] !== undefined) return 'vit';
  if (config['type_vocab_size'] !== undefined) return 'bert';
  return config['num_attention_heads'] === undefined ? undefined : 'llama';
}

/** A sentence that names those whose name begins with the same letters, as gemma and gemma3 do for gemma3n; else what is given. */
function nearestKin(name: string, known: readonly string[], otherwise?: string): string {
  const stem = (text: string) => /^[a-z]*/.exec(text.toLowerCase())?.[0].replace(/moe$/, '') ?? '';
  const kin = known.filter((candidate) => stem(candidate) === stem(name));
  if (kin.length === 0 && otherwise !== undefined) kin.push(otherwise);
  return kin.length > 0 ? `Nearest to it here is ${kin.join(' or ')}. ` : '';
}
