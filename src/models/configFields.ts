import { UserError } from '../formats/errors.ts';
import type { ActivationName } from '../graph/ops/activationFunctions.ts';

/** Transformers' names of activations that Graft computes; those of one value differ in rounding alone. */
const activations: Readonly<Record<string, ActivationName>> = {
  relu: 'relu',
  silu: 'silu',
  swish: 'silu',
  tanh: 'tanh',
  sigmoid: 'sigmoid',
  gelu: 'gelu',
  gelu_python: 'gelu',
  gelu_new: 'gelu_tanh',
  gelu_fast: 'gelu_tanh',
  gelu_accurate: 'gelu_tanh',
  gelu_pytorch_tanh: 'gelu_tanh',
};

/** More than any model has: a damaged file must not fill the memory with modules that are not there. */
const mostLayers = 1024;

/** What a layer sees: everything before it, or a window. */
export type LayerType = 'full_attention' | 'sliding_attention';

/** Ids of tokens that config.json names. */
export interface SpecialTokenIds {
  readonly eosTokenIds: readonly number[];
  readonly bosTokenId?: number;
  readonly padTokenId?: number;
}

type Names = string | readonly [string, ...string[]];
type Json = Readonly<Record<string, unknown>>;

/**
 * The fields of a config.json. A field that is absent or null has the fallback, which is the default of Transformers' configuration
 * class; where a class has several names for one field, the first that is there counts. Every getter throws a UserError that names the
 * field where its value is of another kind.
 */
export class ConfigFields {
  readonly #json: Json;
  readonly #within: string;

  /** @param within the object of config.json that the fields stand in, such as "rope_parameters" */
  constructor(json: Json, within?: string) {
    this.#json = json;
    this.#within = within ? `${within}.` : '';
  }

  /** A whole number from 1 on. */
  count(names: Names, fallback?: number): number {
    const { name, value } = this.#find(names, fallback);
    if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 2 ** 31) return value;
    throw this.wrong(name, 'must be a whole number above 0', value);
  }

  /** A whole number from 0 on, such as the first layer of some kind. */
  index(name: string, fallback: number): number {
    return this.#json[name] === 0 ? 0 : this.count(name, fallback);
  }

  /** A side of a square, in pixels: one number, or both sides alike. */
  side(name: string, fallback: number): number {
    const value = this.#json[name];
    if (!Array.isArray(value)) return this.count(name, fallback);
    const [height, width]: unknown[] = value;
    if (height !== width) throw this.unsupported(name, 'only squares are');
    return new ConfigFields({ [name]: height }).count(name);
  }

  /** Layers: as `count`, within reason. */
  layers(names: Names, fallback: number): number {
    const value = this.count(names, fallback);
    if (value <= mostLayers) return value;
    throw this.wrong(this.#find(names).name, `must be at most ${mostLayers}`, value);
  }

  /** A number above 0. */
  positive(name: string, fallback?: number): number {
    const value = this.#json[name] ?? fallback;
    if (typeof value === 'number' && value > 0 && Number.isFinite(value)) return value;
    throw this.wrong(name, 'must be a number above 0', value);
  }

  /** A number above 0, or none where the field is null. */
  positiveOrNull(name: string, fallback: number | null): number | undefined {
    const isNone = this.isNull(name) || (fallback === null && !this.#has(name));
    return isNone ? undefined : this.positive(name, fallback ?? undefined);
  }

  /** What a norm adds to the variance. */
  epsilon(name: string, fallback: number): number {
    const value = this.#json[name] ?? fallback;
    if (typeof value === 'number' && value >= 0 && value < 1) return value;
    throw this.wrong(name, 'must be a number from 0 to 1', value);
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.#json[name] ?? fallback;
    if (typeof value === 'boolean') return value;
    throw this.wrong(name, 'must be true or false', value);
  }

  text(names: Names, fallback: string): string {
    const { name, value } = this.#find(names, fallback);
    if (typeof value === 'string') return value;
    throw this.wrong(name, 'must be a text', value);
  }

  activation(name: string, fallback: string): ActivationName {
    return this.activationOf(name, this.text(name, fallback));
  }

  /** The activation of that name, which stands in the field, alone or within its text. */
  activationOf(name: string, activation: string): ActivationName {
    const known = Object.hasOwn(activations, activation) ? activations[activation] : undefined;
    if (known) return known;
    throw this.unsupported(name, `${Object.keys(activations).join(', ')} are`);
  }

  /** Refuses any value but the one that is computed; `why` says what the other would ask for. */
  only(name: string, supported: string | number | boolean | null, why: string): void {
    const value = this.#json[name] ?? supported;
    if (value !== supported) throw this.unsupported(name, `only ${JSON.stringify(supported)} is: ${why}`);
  }

  /** Whether the field is there with the value null, where that means another thing than its absence. */
  isNull(name: string): boolean {
    return this.#json[name] === null;
  }

  /** The width of one of `heads` equal heads of `width`. */
  headDim(width: number, heads: number): number {
    if (width % heads === 0) return width / heads;
    throw new UserError(
      `config.json: a hidden size of ${width} cannot be shared among ${heads} attention heads. Repair the file or download it again.`,
    );
  }

  /** head_dim, or the class's own, or an equal share of the width; even, so that rotary embedding is defined for it. */
  rotaryHeadDim(width: number, heads: number, own?: number): number {
    const value = this.#has('head_dim') ? this.count('head_dim') : (own ?? this.headDim(width, heads));
    if (value % 2 === 0) return value;
    throw this.wrong('head_dim', 'must be even, so that rotary embedding is defined for it', value);
  }

  /** Heads of keys and values, each of which serves equally many of the `heads` of queries. */
  keyValueHeads(heads: number, fallback: number): number {
    const value = this.count('num_key_value_heads', fallback);
    if (heads % value === 0) return value;
    throw this.wrong('num_key_value_heads', `must divide the ${heads} attention heads`, value);
  }

  /** sliding_window: positions that a token sees; 0, as null says it, for all before it. */
  slidingWindow(fallback: number): number {
    const isNone = this.isNull('sliding_window') || (fallback === 0 && !this.#has('sliding_window'));
    return isNone ? 0 : this.count('sliding_window', fallback);
  }

  /** layer_types as listed, or as the class fills them in. */
  layerTypes(count: number, fallback: (layer: number) => LayerType): LayerType[] {
    const listed = this.#json['layer_types'] ?? Array.from({ length: count }, (_, layer) => fallback(layer));
    if (Array.isArray(listed) && listed.length === count && listed.every(isLayerType)) return listed;
    throw this.wrong(
      'layer_types',
      `must name full_attention or sliding_attention for each of ${count} layers`,
      listed,
    );
  }

  /** A token's id, or a list of them; none where the field is absent. */
  ids(name: string): number[] {
    return [this.#json[name]].flat().filter((id): id is number => typeof id === 'number');
  }

  /** The class's own ids hold only where the vocabulary has them. */
  specialTokens(vocabSize: number, own: { eos?: number; bos?: number; pad?: number } = {}): SpecialTokenIds {
    const ids = (name: string, fallback: number | undefined) =>
      name in this.#json || fallback === undefined || fallback >= vocabSize ? this.ids(name) : [fallback];
    return {
      eosTokenIds: ids('eos_token_id', own.eos),
      bosTokenId: ids('bos_token_id', own.bos)[0],
      padTokenId: ids('pad_token_id', own.pad)[0],
    };
  }

  wrong(name: string, wanted: string, value: unknown = this.#json[name]): UserError {
    const found = `${JSON.stringify(value)}${this.#has(name) || value === undefined ? '' : ', which its absence means'}`;
    return new UserError(
      `config.json: ${this.#within}${name} ${wanted}, not ${found}. Repair the file or download it again.`,
    );
  }

  unsupported(names: Names, supported: string): UserError {
    const { name } = this.#find(names);
    return new UserError(
      `config.json: ${this.#within}${name} ${JSON.stringify(this.#json[name])} is not supported, ${supported}. Choose another model.`,
    );
  }

  #find(names: Names, fallback?: unknown): { readonly name: string; readonly value: unknown } {
    const list = [names].flat();
    const name = list.find((key) => this.#has(key)) ?? list[0] ?? '';
    return { name, value: this.#json[name] ?? fallback };
  }

  #has(name: string): boolean {
    return this.#json[name] !== undefined && this.#json[name] !== null;
  }
}

function isLayerType(value: unknown): value is LayerType {
  return value === 'full_attention' || value === 'sliding_attention';
}
