import { blendCommand, combinations, convertCommand } from '../engine/nodeAdapters.ts';
import { evalCommand, generateCommand, logitsCommand, type ModelChoice } from '../engine/nodeCommands.ts';
import { modelPathOf, readMessages, readRunFile } from '../engine/nodeFiles.ts';
import { mergeCommand } from '../engine/nodeMerge.ts';
import { estimateCommand, inspectCommand } from '../engine/nodeModelCommands.ts';
import { quantiseCommand } from '../engine/nodeQuantise.ts';
import { trainCommand } from '../engine/nodeTrain.ts';
import { quantisationOf } from '../engine/quantisationFields.ts';
import { UserError } from '../formats/errors.ts';
import type { Command, Options } from './run.ts';

const say = (line: string) => void process.stderr.write(`${line}\n`);

const modelOptions = {
  model: { type: 'string', help: 'Folder or GGUF file of the model.' },
  config: { type: 'string', help: 'A run file, to read the model and how it is quantised from it instead of --model.' },
  adapter: { type: 'string', help: 'Folder of an adapter; without it the base model is used.' },
} as const;

/** --model, or the model of --config. */
async function chosenModel(options: Options): Promise<ModelChoice> {
  const config = options.text('config');
  if (config !== undefined && options.text('model') !== undefined)
    throw new UserError('--model and --config both name the model. Keep one of them.');
  const adapter = options.text('adapter');
  if (config === undefined) return { model: options.required('model'), adapter };
  const fields = await readRunFile(config);
  return { model: modelPathOf(fields), quantisation: quantisationOf(fields), adapter };
}

const train: Command = {
  name: 'train',
  usage: 'CONFIG.yaml --output DIR',
  help: 'Trains as a run file says and writes the adapter folder and trainer_state.json; Ctrl-C ends early and keeps what was learned.',
  options: { output: { type: 'string', help: 'Folder to write; made if it is not there.' } },
  positionals: 1,
  run: ([config = ''], options) => trainCommand(config, options.required('output'), say),
};

const evaluate: Command = {
  name: 'eval',
  usage: 'CONFIG.yaml [--adapter DIR]',
  help: 'Measures loss, perplexity and accuracy on the run file’s evaluation rows, or on its rows where none are set apart.',
  options: { adapter: modelOptions.adapter },
  positionals: 1,
  run: ([config = ''], options) => evalCommand(config, options.text('adapter'), say),
};

const generate: Command = {
  name: 'generate',
  usage: '--model M [--adapter DIR] --prompt TEXT | --messages FILE',
  help: 'Answers a prompt; prints the reply alone.',
  options: {
    ...modelOptions,
    prompt: { type: 'string', help: 'One user message where the model has a chat template.' },
    messages: { type: 'string', help: 'A JSON file: a list of {"role", "content"}.' },
    raw: { type: 'boolean', help: 'Sends the prompt as it is, without the chat template.' },
    'max-new-tokens': { type: 'string', help: 'Longest reply in tokens; 256 if not given.' },
    temperature: { type: 'string', help: '0 takes the most likely token each time; 0 if not given.' },
    'top-p': { type: 'string', help: 'Draws from the most likely tokens that make up this share; 1 if not given.' },
    seed: { type: 'string', help: 'The same seed draws the same reply; 0 if not given.' },
  },
  positionals: 0,
  run: async (_, options) => {
    const prompt = options.text('prompt');
    const file = options.text('messages');
    if ((prompt === undefined) === (file === undefined)) throw new UserError('Give either --prompt or --messages.');
    const messages = file === undefined ? [{ role: 'user', content: prompt ?? '' }] : await readMessages(file);
    return generateCommand(
      {
        ...(await chosenModel(options)),
        messages,
        raw: options.flag('raw'),
        maxNewTokens: options.number('max-new-tokens', 256, { least: 1, whole: true }),
        temperature: options.number('temperature', 0, { least: 0 }),
        topP: options.number('top-p', 1, { least: 0, most: 1 }),
        seed: options.number('seed', 0, { least: 0, most: 2 ** 32 - 1, whole: true }),
      },
      say,
    );
  },
};

const logits: Command = {
  name: 'logits',
  usage: '--model M [--adapter DIR] --text TEXT | --image FILE',
  help: 'Prints the logits at the last token of a text that is encoded as a {"text"} row is, or of the classes.',
  options: {
    ...modelOptions,
    'task-type': { type: 'string', help: 'The task; if not given, the adapter’s or what the model suits.' },
    text: { type: 'string', help: 'The text.' },
    image: { type: 'string', help: 'A PNG or JPEG file, for a model that reads images.' },
  },
  positionals: 0,
  run: async (_, options) => {
    const image = options.text('image');
    const asked = image === undefined ? { text: options.required('text') } : { image };
    const task = options.text('task-type') as Parameters<typeof logitsCommand>[1];
    return { logits: await logitsCommand(await chosenModel(options), task, asked, say) };
  },
};

const merge: Command = {
  name: 'merge',
  usage: '--model M --adapter DIR --output DIR [--requantize]',
  help: 'Writes a model folder with the adapter merged into the weights; quantised weights become F16, and a tied head that the adapter changes gets weights of its own.',
  options: {
    ...modelOptions,
    output: {
      type: 'string',
      help: 'Folder to write; with --requantize on a GGUF file also a name that ends in .gguf.',
    },
    requantize: {
      type: 'boolean',
      help: 'Keeps the format of the base instead (bitsandbytes, GPTQ, AWQ, GGUF, or what a run file quantises to), and says how much of the adapter’s change the rounding loses.',
    },
  },
  positionals: 0,
  run: async (_, options) => {
    const settings = { output: options.required('output'), requantize: options.flag('requantize') };
    return mergeCommand(await chosenModel(options), options.required('adapter'), settings, say);
  },
};

const quantize: Command = {
  name: 'quantize',
  usage: 'CONFIG.yaml --output DIR',
  help: 'Writes the model as the run file’s load_in_4bit or load_in_8bit quantises it, which bitsandbytes reads, and says what its weights lose.',
  options: { output: { type: 'string', help: 'Folder to write.' } },
  positionals: 1,
  run: async ([config = ''], options) => {
    const fields = await readRunFile(config);
    const choice = { model: modelPathOf(fields), quantisation: quantisationOf(fields) };
    return quantiseCommand(choice, options.required('output'), say);
  },
};

const blend: Command = {
  name: 'blend',
  usage: '--adapter DIR --adapter DIR … [--weights 0.7,0.3] [--combination ties --density 0.5] --output DIR',
  help: 'Makes one LoRA adapter of several, with the numbers of PEFT’s add_weighted_adapter; no model is needed.',
  options: {
    adapter: { type: 'string', multiple: true, help: 'Folder of a LoRA adapter; once for each.' },
    weights: {
      type: 'string',
      help: 'A number for each adapter, commas between; 1 each if not given. With a minus in front: --weights=-0.5,1',
    },
    combination: {
      type: 'string',
      help: `svd if not given, or another of\n${combinations.map(({ name, help }) => `        ${name}: ${help}`).join('\n')}`,
    },
    density: { type: 'string', help: 'Share of the values that ties, dare and magnitude_prune keep, up to 1.' },
    'majority-sign-method': {
      type: 'string',
      help: 'Whose sign ties and dare_ties elect: total, that of the sum (if not given), or frequency, that of most.',
    },
    'svd-rank': {
      type: 'string',
      help: 'Rank that an svd combination cuts down to; the highest of the adapters if not given.',
    },
    seed: { type: 'string', help: 'The same seed drops the same values in dare; 0 if not given.' },
    output: { type: 'string', help: 'Folder to write.' },
  },
  positionals: 0,
  run: async (_, options) => {
    const paths = options.texts('adapter');
    if (paths.length === 0) throw new UserError('--adapter is missing. Give it once for each adapter. See --help.');
    const weights = options.numbers('weights') ?? paths.map(() => 1);
    if (weights.length !== paths.length)
      throw new UserError(
        `--weights gives ${weights.length} numbers, and there are ${paths.length} adapters. Give one for each.`,
      );
    return blendCommand(
      paths.map((path, i) => ({ path, weight: weights[i] ?? 1 })),
      {
        combination: options.text('combination') ?? 'svd',
        density: options.optionalNumber('density', { least: 0, most: 1 }),
        majoritySignMethod: options.choice('majority-sign-method', ['total', 'frequency']),
        svdRank: options.optionalNumber('svd-rank', { least: 1, whole: true }),
        seed: options.number('seed', 0, { least: 0, most: 2 ** 32 - 1, whole: true }),
      },
      options.required('output'),
      say,
    );
  },
};

const convert: Command = {
  name: 'convert',
  usage: '--model M --adapter DIR --rank 16 | 0.9 --output DIR',
  help: 'Writes a LoRA that does what another adapter does to the model’s linear layers, as nearly as its rank allows, and says how much of it is kept.',
  options: {
    ...modelOptions,
    adapter: { type: 'string', help: 'Folder of an adapter that changes weights.' },
    rank: {
      type: 'string',
      help: 'A whole number, or with a point the share of each layer’s change (its energy) that is to be kept: 0.9, or 1.0 for all.',
    },
    output: { type: 'string', help: 'Folder to write.' },
  },
  positionals: 0,
  run: async (_, options) => {
    const isShare = options.required('rank').includes('.');
    const kept = isShare
      ? { share: options.number('rank', 1, { least: Number.MIN_VALUE, most: 1 }) }
      : { rank: options.number('rank', 1, { least: 1, whole: true }) };
    const { model } = await chosenModel(options);
    return convertCommand(model, options.required('adapter'), kept, options.required('output'), say);
  },
};

const estimate: Command = {
  name: 'estimate',
  usage: 'CONFIG.yaml',
  help: 'Bytes of GPU memory that a run would take, by category, from configs alone.',
  options: {},
  positionals: 1,
  run: ([config = '']) => estimateCommand(config),
};

const inspect: Command = {
  name: 'inspect',
  usage: 'PATH',
  help: 'Says what a model or an adapter is: family, shapes, formats, parameters.',
  options: {},
  positionals: 1,
  run: ([path = '']) => inspectCommand(path),
};

export const commands: readonly Command[] = [
  train,
  evaluate,
  generate,
  logits,
  merge,
  quantize,
  blend,
  convert,
  estimate,
  inspect,
];
