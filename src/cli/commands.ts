import { evalCommand, generateCommand, logitsCommand } from '../engine/nodeCommands.ts';
import { modelPathOf, readMessages, readRunFile } from '../engine/nodeFiles.ts';
import { mergeCommand } from '../engine/nodeMerge.ts';
import { estimateCommand, inspectCommand } from '../engine/nodeModelCommands.ts';
import { trainCommand } from '../engine/nodeTrain.ts';
import { UserError } from '../formats/errors.ts';
import type { Command, Options } from './run.ts';

const say = (line: string) => void process.stderr.write(`${line}\n`);

const modelOptions = {
  model: { type: 'string', help: 'Folder or GGUF file of the model.' },
  config: { type: 'string', help: 'A run file, to read the model from it instead of --model.' },
  adapter: { type: 'string', help: 'Folder of an adapter; without it the base model is used.' },
} as const;

/** --model, or the model of --config. */
async function chosenModel(options: Options): Promise<{ model: string; adapter?: string }> {
  const config = options.text('config');
  if (config !== undefined && options.text('model') !== undefined)
    throw new UserError('--model and --config both name the model. Keep one of them.');
  const model = config === undefined ? options.required('model') : modelPathOf(await readRunFile(config));
  return { model, adapter: options.text('adapter') };
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
  usage: '--model M [--adapter DIR] --text TEXT',
  help: 'Prints the logits at the last token of a text that is encoded as a {"text"} row is.',
  options: {
    ...modelOptions,
    'task-type': { type: 'string', help: 'CAUSAL_LM, which is also what is taken if it is not given.' },
    text: { type: 'string', help: 'The text.' },
  },
  positionals: 0,
  run: async (_, options) => {
    const task = options.text('task-type') ?? 'CAUSAL_LM';
    if (task !== 'CAUSAL_LM') throw new UserError(`--task-type ${task} is not supported; CAUSAL_LM is.`);
    return { logits: await logitsCommand(await chosenModel(options), options.required('text'), say) };
  },
};

const merge: Command = {
  name: 'merge',
  usage: '--model M --adapter DIR --output DIR',
  help: 'Writes a model folder with the adapter merged into the weights; quantised weights become F16, and a tied head that the adapter changes gets weights of its own.',
  options: { ...modelOptions, output: { type: 'string', help: 'Folder to write.' } },
  positionals: 0,
  run: async (_, options) =>
    mergeCommand((await chosenModel(options)).model, options.required('adapter'), options.required('output'), say),
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

export const commands: readonly Command[] = [train, evaluate, generate, logits, merge, estimate, inspect];
