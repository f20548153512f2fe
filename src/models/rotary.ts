import { UserError } from '../formats/errors.ts';
import type { ModelDescription } from './family.ts';

/** How rotary angles are scaled; Transformers' rope_parameters (5) or rope_theta with rope_scaling (4). */
export type RopeScaling =
  | { readonly type: 'default' }
  | { readonly type: 'linear'; readonly factor: number }
  | {
      readonly type: 'llama3';
      readonly factor: number;
      readonly lowFreqFactor: number;
      readonly highFreqFactor: number;
      readonly originalMaxPositionEmbeddings: number;
    }
  /** each frequency divided by its own factor, as GGUF stores Llama 3's scaling (rope_freqs.weight) */
  | { readonly type: 'factors'; readonly factors: readonly number[] };

export interface Rope {
  readonly theta: number;
  readonly scaling: RopeScaling;
}

/** Reads either spelling. Throws a UserError naming a kind of scaling that is not supported. */
export function readRope(config: Readonly<Record<string, unknown>>): Rope {
  const parameters = asRecord(config['rope_parameters']) ?? asRecord(config['rope_scaling']) ?? {};
  const positive = (name: string, value: unknown): number => {
    if (typeof value === 'number' && value > 0) return value;
    throw new UserError(
      `config.json: ${name} must be a number above 0, not ${JSON.stringify(value)}. Repair the file or download it again.`,
    );
  };
  const theta = positive('rope_theta', parameters['rope_theta'] ?? config['rope_theta'] ?? 10000);
  const rotated = parameters['partial_rotary_factor'] ?? config['partial_rotary_factor'] ?? 1;
  if (rotated !== 1)
    throw new UserError(
      `config.json: partial_rotary_factor ${JSON.stringify(rotated)} is not supported: Graft rotates whole heads. Choose another checkpoint.`,
    );
  const type = String(parameters['rope_type'] ?? parameters['type'] ?? 'default');
  const required = (name: string): number => {
    const value = parameters[name];
    if (typeof value !== 'number') throw new UserError(`config.json: rope scaling "${type}" needs the number ${name}.`);
    return value;
  };
  switch (type) {
    case 'default':
      return { theta, scaling: { type } };
    case 'linear':
      return { theta, scaling: { type, factor: positive('factor', required('factor')) } };
    case 'llama3':
      return {
        theta,
        scaling: {
          type,
          factor: positive('factor', required('factor')),
          lowFreqFactor: required('low_freq_factor'),
          highFreqFactor: required('high_freq_factor'),
          originalMaxPositionEmbeddings: numberOr(
            parameters['original_max_position_embeddings'],
            numberOr(config['max_position_embeddings'], 8192),
          ),
        },
      };
    case 'factors':
      return { theta, scaling: { type, factors: parameters['factors'] as number[] } };
    default:
      throw new UserError(
        `config.json: rope scaling "${type}" is not supported; default, linear and llama3 are. Choose a checkpoint with one of these.`,
      );
  }
}

/**
 * Angular frequency of each pair of a head, [headDim / 2]: θ^(−2i/d), scaled as modeling_rope_utils.py of Transformers defines
 * 'linear' (all divided by factor) and 'llama3' (long wavelengths divided, short ones kept, a ramp between).
 */
export function inverseFrequencies(rope: Rope, headDim: number): Float64Array {
  return Float64Array.from({ length: headDim / 2 }, (_, i) =>
    scaleFrequency(rope.scaling, rope.theta ** ((-2 * i) / headDim), i),
  );
}

function scaleFrequency(scaling: RopeScaling, frequency: number, index: number): number {
  if (scaling.type === 'default') return frequency;
  if (scaling.type === 'factors') return frequency / (scaling.factors[index] ?? 1);
  if (scaling.type === 'linear') return frequency / scaling.factor;
  const wavelength = (2 * Math.PI) / frequency;
  const { factor, lowFreqFactor, highFreqFactor, originalMaxPositionEmbeddings } = scaling;
  if (wavelength < originalMaxPositionEmbeddings / highFreqFactor) return frequency;
  if (wavelength > originalMaxPositionEmbeddings / lowFreqFactor) return frequency / factor;
  const smooth = (originalMaxPositionEmbeddings / wavelength - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
  return ((1 - smooth) * frequency) / factor + smooth * frequency;
}

/** cos and sin of every angle: [positions, headDim / 2, 2]. */
export function rotaryTable(rope: Rope, headDim: number, positions: number): Float32Array {
  const frequencies = inverseFrequencies(rope, headDim);
  const table = new Float32Array(positions * headDim);
  for (let position = 0; position < positions; position++) {
    frequencies.forEach((frequency, i) => {
      const angle = position * Math.fround(frequency);
      table[position * headDim + 2 * i] = Math.cos(angle);
      table[position * headDim + 2 * i + 1] = Math.sin(angle);
    });
  }
  return table;
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

function numberOr(value: unknown, fallback: number): number {
  return typeof value === 'number' ? value : fallback;
}

/** The table of rotary angles, computed once for each number of positions: every block of every trace asks for it. */
export function rotaryConstants({
  rope,
  headDim,
}: {
  readonly rope: Rope;
  readonly headDim: number;
}): ModelDescription['constants'] {
  const known = new Map<number, ReturnType<ModelDescription['constants']>>();
  return (positions) => {
    const angles =
      known.get(positions) ??
      new Map([['rotary', { shape: [positions, headDim / 2, 2], data: rotaryTable(rope, headDim, positions) }]]);
    known.set(positions, angles);
    return angles;
  };
}
