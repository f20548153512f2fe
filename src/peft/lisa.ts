import { UserError } from '../formats/errors.ts';
import { wholeModelType } from '../formats/adapterContent.ts';
import { layerPath, layerPaths } from '../models/modules.ts';
import { wholeModel } from './fullTuning.ts';
import type { Adapter, CheckpointFacts, Method, MethodFields, ParameterSpec } from './method.ts';
import { randomUniforms } from './randomNumbers.ts';
import { integerField } from './schema.ts';

/**
 * LISA (Pan et al., arXiv 2403.17919), as ms-swift has it: full fine-tuning in which only a few layers, drawn anew every so many steps,
 * are trained at a time; the embeddings, the last norm and the head always are.
 */
export const lisa: Method = {
  peftType: 'LISA',
  filedAs: wholeModelType,
  name: 'LISA',
  summary:
    'Full fine-tuning of a few layers at a time, drawn anew every so many steps, and of embeddings and head throughout. Choose it where full fine-tuning forgets too much; here it saves no memory over that.',
  group: 'full',
  learningRate: 5e-5,
  fields: [
    integerField({
      name: 'lisa_activated_layers',
      label: 'Layers at a time',
      help: 'How many layers are trained between two draws; its authors took 2.',
      default: 2,
      minimum: 1,
      maximum: 1024,
    }),
    integerField({
      name: 'lisa_step_interval',
      label: 'Steps between draws',
      help: 'After so many steps other layers are drawn.',
      default: 20,
      minimum: 1,
    }),
  ],
  attach,
  readConfig: () => ({}),
  // the trained tensors are the model's own
  merge: () => undefined,
};

function attach(fields: MethodFields, model: CheckpointFacts): Adapter {
  const { numHiddenLayers } = model.description;
  const active = fields['lisa_activated_layers'] as number;
  const interval = fields['lisa_step_interval'] as number;
  if (active > numHiddenLayers)
    throw new UserError(
      `lisa_activated_layers: ${active} is more than the model's ${numHiddenLayers} layers. Give ${numHiddenLayers} or less; all of them is peft_type: FULL.`,
    );
  const places = layerPaths(model.description.modules);
  const factors = Array.from({ length: numHiddenLayers }, (_, layer): NonNullable<ParameterSpec['rateFactor']> => {
    return (step, _learningRate, seed) =>
      drawLayers(seed, Math.floor((step - 1) / interval), active, numHiddenLayers).includes(layer) ? 1 : 0;
  });
  return wholeModel(model, (tensor) => {
    const path = layerPath(tensor);
    return path === undefined ? undefined : factors[places.indexOf(path)];
  });
}

/** The layers that are trained after a draw (from 0): as many as asked for, each as likely as any other. */
export function drawLayers(seed: number, draw: number, count: number, layers: number): number[] {
  const lots = randomUniforms(layers, seed, `lisa ${draw}`);
  return Array.from(lots.keys())
    .sort((a, b) => (lots[a] ?? 0) - (lots[b] ?? 0))
    .slice(0, count);
}
