import type { WeightError } from '../../engine/api.ts';

export interface LayerError {
  /** number of the layer in its stack */
  readonly number: string;
  readonly mean: number;
  readonly worst: WeightError;
}

/** The layers of an encoder, of a decoder, or of the only stack that a model has, whose name is then empty. */
export interface LayerStack {
  readonly name: string;
  readonly layers: readonly LayerError[];
}

/** Errors by layer, in the order of the model; weights outside of layers are left out. */
export function layerStacks(errors: readonly WeightError[]): readonly LayerStack[] {
  const byLayer = new Map<string, WeightError[]>();
  for (const error of errors)
    if (error.layer !== null) byLayer.set(error.layer, [...(byLayer.get(error.layer) ?? []), error]);
  const stacks = new Map<string, LayerError[]>();
  for (const [layer, own] of byLayer) {
    const dot = layer.lastIndexOf('.');
    const [stack, number] = [layer.slice(0, Math.max(0, dot)), layer.slice(dot + 1)];
    const [first] = own;
    if (!first) continue;
    const found = { number, mean: meanError(own), worst: worstError(own) ?? first };
    stacks.set(stack, [...(stacks.get(stack) ?? []), found]);
  }
  const isOnly = stacks.size === 1;
  return [...stacks].map(([path, layers]) => ({ name: isOnly ? '' : (path.split('.')[0] ?? path), layers }));
}

export function meanError(errors: readonly WeightError[]): number {
  return errors.reduce((sum, { relativeError }) => sum + relativeError, 0) / Math.max(1, errors.length);
}

export function worstError(errors: readonly WeightError[]): WeightError | undefined {
  return errors.reduce<WeightError | undefined>(
    (worst, error) => (worst && worst.relativeError >= error.relativeError ? worst : error),
    undefined,
  );
}

/** 'layer 3, down_proj' of 'model.layers.3.mlp.down_proj.weight'; outside of layers the module's name. */
export function placeOf({ name, layer }: Pick<WeightError, 'name' | 'layer'>): string {
  const module = name.replace(/\.weight$/, '');
  if (layer === null) return module.split('.').at(-1) ?? module;
  const rest = module.slice(layer.length + 1).split('.');
  // 'output.dense' and 'intermediate.dense' are told apart by what is in front
  const own = rest.at(-1) === 'dense' ? rest.slice(-2).join('.') : (rest.at(-1) ?? module);
  return `layer ${layer.slice(layer.lastIndexOf('.') + 1)}, ${own}`;
}
