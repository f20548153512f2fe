import { ConfigFields } from './configFields.ts';
import { tablesByPositions } from './constantTables.ts';
import type { ModelDescription } from './family.ts';

type Json = Readonly<Record<string, unknown>>;

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

/**
 * Reads either spelling; where both are there, rope_scaling counts, as in Transformers 5. Throws a UserError naming a kind of scaling that is
 * not supported.
 * @param maxPositionEmbeddings of the model: what a llama3 scaling started from where it does not say
 */
export function readRope(config: Json, maxPositionEmbeddings: number): Rope {
  const scaling = config['rope_scaling'];
  const within = isRecord(scaling) && Object.keys(scaling).length > 0 ? 'rope_scaling' : 'rope_parameters';
  const stated = config[within];
  const parameters = isRecord(stated) ? stated : {};
  const fields = new ConfigFields(parameters, within);
  const outside = new ConfigFields(config);
  const whole = 'Graft rotates whole heads';
  fields.only('partial_rotary_factor', 1, whole);
  if (!('partial_rotary_factor' in parameters)) outside.only('partial_rotary_factor', 1, whole);
  const theta = 'rope_theta' in parameters ? fields.positive('rope_theta') : outside.positive('rope_theta', 10000);
  return { theta, scaling: readScaling(fields, maxPositionEmbeddings, parameters['factors']) };
}

/** @param factors what a GGUF file states in place of figures */
function readScaling(fields: ConfigFields, maxPositionEmbeddings: number, factors: unknown): RopeScaling {
  const type = fields.text(['rope_type', 'type'], 'default');
  switch (type) {
    case 'default':
      return { type };
    case 'linear':
      return { type, factor: fields.positive('factor') };
    case 'llama3':
      return {
        type,
        factor: fields.positive('factor'),
        lowFreqFactor: fields.positive('low_freq_factor'),
        highFreqFactor: fields.positive('high_freq_factor'),
        originalMaxPositionEmbeddings: fields.positive('original_max_position_embeddings', maxPositionEmbeddings),
      };
    case 'factors':
      return { type, factors: factors as number[] };
    default:
      throw fields.unsupported(['rope_type', 'type'], 'default, linear and llama3 are');
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

function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The one table of a model whose layers all have the same angles. */
export function rotaryConstants({
  rope,
  headDim,
}: {
  readonly rope: Rope;
  readonly headDim: number;
}): ModelDescription['constants'] {
  return tablesByPositions((positions) => {
    const data = rotaryTable(rope, headDim, positions);
    return new Map([['rotary', { shape: [positions, headDim / 2, 2], data }]]);
  });
}
