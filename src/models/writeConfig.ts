import { UserError } from '../formats/errors.ts';
import type { Checkpoint } from './checkpoint.ts';
import { inverseFrequencies, type Rope } from './rotary.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * The config.json of a checkpoint that is written as a Hugging Face folder, which Transformers reads.
 * @param untied the head has weights of its own in what is written
 */
export function configForTransformers(checkpoint: Checkpoint, { untied }: { untied: boolean }): Json {
  const { description, kind } = checkpoint;
  // what is written is floats, however the checkpoint was quantised
  const { quantization_config: quantised = checkpoint.quantisation, ...plain } = checkpoint.config;
  const config: Json = untied ? withOwnHead(plain) : plain;
  if (kind === 'folder') return quantised ? inHalves(config) : config;
  const formats = new Set([...checkpoint.tensors.values()].map(({ format }) => format));
  const dtype = [...formats].every((format) => format === 'f32')
    ? 'float32'
    : [...formats].every((format) => format === 'f32' || format === 'bf16')
      ? 'bfloat16'
      : 'float16';
  const rope = config['rope_parameters'] as Json | undefined;
  return {
    architectures: [description.architecture],
    dtype,
    ...config,
    ...(rope && { rope_parameters: rope['rope_type'] === 'factors' ? namedRope(rope) : rope }),
  };
}

/**
 * The config.json of a model whose head is no longer its embedding. A T5 says by the same field whether the decoder's output is scaled
 * (T5Config.__post_init__ in Transformers 5), unless it says so outright.
 */
export function withOwnHead(config: Json): Json {
  const untied = { ...config, tie_word_embeddings: false };
  if (config['model_type'] !== 't5') return untied;
  const isScaled = config['scale_decoder_outputs'] ?? config['tie_word_embeddings'] !== false;
  return { ...untied, scale_decoder_outputs: isScaled };
}

/** Fields of config.json that Transformers 5 takes for floats alone: a whole number without a point is refused there. */
const floatFields = /^(\s*"(?:initializer_\w+|\w+_eps|\w+_epsilon|\w+_logit_softcapping)": -?\d+)(?=,?$)/gm;

/** config.json as text, with 1.0 where JSON.stringify says 1 and Transformers would not read it. */
export function configText(config: Json): string {
  return JSON.stringify(config, null, 2).replace(floatFields, '$1.0');
}

/** The config of weights in F16, in Transformers 5's spelling. */
function inHalves({ torch_dtype: _, ...config }: Json): Json {
  return { ...config, dtype: 'float16' };
}

/**
 * GGUF holds a factor for each frequency; Llama 3's come from four numbers, of which all releases share three.
 * Throws a UserError where the factors are others.
 */
function namedRope({ rope_theta: theta, factors }: Json): Json {
  const known = factors as readonly number[];
  const scaling = {
    type: 'llama3',
    factor: known.reduce((most, factor) => Math.max(most, factor), 0),
    lowFreqFactor: 1,
    highFreqFactor: 4,
    originalMaxPositionEmbeddings: 8192,
  } as const;
  const plain: Rope = { theta: theta as number, scaling: { type: 'default' } };
  const headDim = 2 * known.length;
  const scaled = inverseFrequencies({ ...plain, scaling }, headDim);
  const isLlama3 = inverseFrequencies(plain, headDim).every(
    (frequency, i) => Math.abs(frequency / (known[i] ?? 1) / (scaled[i] ?? 0) - 1) < 1e-4,
  );
  if (!isLlama3)
    throw new UserError(
      'The GGUF file scales its rotary angles by factors that no config.json can state. Merge into the Hugging Face folder of the model.',
    );
  return {
    rope_type: scaling.type,
    rope_theta: theta,
    factor: scaling.factor,
    low_freq_factor: scaling.lowFreqFactor,
    high_freq_factor: scaling.highFreqFactor,
    original_max_position_embeddings: scaling.originalMaxPositionEmbeddings,
  };
}
