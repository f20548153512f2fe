import { UserError } from '../formats/errors.ts';
import type { ActivationName } from '../graph/ops/activationFunctions.ts';

/** Transformers' names of activations that Graft computes; those of one value differ in rounding alone. */
const activations: Readonly<Record<string, ActivationName>> = {
  relu: 'relu',
  silu: 'silu',
  swish: 'silu',
  tanh: 'tanh',
  gelu: 'gelu',
  gelu_new: 'gelu_tanh',
  gelu_fast: 'gelu_tanh',
  gelu_pytorch_tanh: 'gelu_tanh',
};

/** More than any model has: a damaged file must not fill the memory with modules that are not there. */
const mostLayers = 1024;

/** The fields of a config.json. Every getter throws a UserError that names the field where its value is of another kind. */
export class ConfigFields {
  readonly #json: Readonly<Record<string, unknown>>;

  constructor(json: Readonly<Record<string, unknown>>) {
    this.#json = json;
  }

  /** A whole number from 1 on, under the first of the names that is there. Without a fallback it must be there. */
  count(names: readonly [string, ...string[]], fallback?: number): number {
    const name = this.#nameIn(names);
    const value = this.#json[name] ?? fallback;
    if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 2 ** 31) return value;
    throw this.wrong(name, 'must be a whole number above 0');
  }

  /** Layers: as `count`, within reason. */
  layers(names: readonly [string, ...string[]], fallback?: number): number {
    const value = this.count(names, fallback);
    if (value > mostLayers) throw this.wrong(this.#nameIn(names), `must be at most ${mostLayers}`);
    return value;
  }

  /** A number above 0. */
  positive(name: string, fallback: number): number {
    const value = this.#json[name] ?? fallback;
    if (typeof value === 'number' && value > 0 && Number.isFinite(value)) return value;
    throw this.wrong(name, 'must be a number above 0');
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.#json[name] ?? fallback;
    if (typeof value === 'boolean') return value;
    throw this.wrong(name, 'must be true or false');
  }

  activation(name: string, fallback: string): ActivationName {
    const value = String(this.#json[name] ?? fallback);
    const known = Object.hasOwn(activations, value) ? activations[value] : undefined;
    if (known) return known;
    throw new UserError(
      `config.json: ${name} "${value}" is not supported; ${Object.keys(activations).join(', ')} are. Choose another model.`,
    );
  }

  /** A token's id, or a list of them. */
  ids(name: string): number[] {
    return [this.#json[name]].flat().filter((id): id is number => typeof id === 'number');
  }

  /** Refuses any value but the one that is computed. */
  only(name: string, supported: unknown): void {
    const value = this.#json[name] ?? supported;
    if (value === supported) return;
    throw new UserError(
      `config.json: ${name} ${JSON.stringify(value)} is not supported, only ${JSON.stringify(supported)} is. Choose another model.`,
    );
  }

  /** The width of one of `heads` equal heads of `width`. */
  headDim(width: number, heads: number): number {
    if (width % heads === 0) return width / heads;
    throw new UserError(
      `config.json: a hidden size of ${width} cannot be shared among ${heads} attention heads. Repair the file or download it again.`,
    );
  }

  wrong(name: string, wanted: string): UserError {
    return new UserError(
      `config.json: ${name} ${wanted}, not ${JSON.stringify(this.#json[name])}. Repair the file or download it again.`,
    );
  }

  #nameIn(names: readonly [string, ...string[]]): string {
    return names.find((name) => this.#json[name] !== undefined && this.#json[name] !== null) ?? names[0];
  }
}
