import type { MethodFields, ParameterSpec } from '../method.ts';

type RateFactor = NonNullable<ParameterSpec['rateFactor']>;

/**
 * Learning rates of their own. LoRA+ (Hayou et al., arXiv 2402.12354) as PEFT's create_loraplus_optimizer groups the parameters: B and all
 * vectors learn at `loraplus_lr_ratio` times the rate, an update of the embedding at a rate of its own. DoRA in stages: the magnitude
 * rests for the first steps, and learns at its own multiple after that.
 */
export function withRates(fields: MethodFields, specs: readonly ParameterSpec[]): ParameterSpec[] {
  const ratio = fields['loraplus_lr_ratio'] as number;
  const ofEmbedding = fields['loraplus_lr_embedding'] as number;
  const factors = {
    usual: undefined,
    raised: ratio > 0 ? () => ratio : undefined,
    embedding: ratio > 0 ? (_: number, learningRate: number) => ofEmbedding / learningRate : undefined,
    magnitude: magnitudeFactor(fields, ratio > 0 ? ratio : 1),
  };
  return specs.map((spec) => {
    const rateFactor = factors[groupOf(spec)];
    return rateFactor && spec.role !== 'frozen' ? { ...spec, rateFactor } : spec;
  });
}

/** By name and dimensions, as PEFT does. */
function groupOf({ name, shape }: ParameterSpec): 'usual' | 'raised' | 'embedding' | 'magnitude' {
  if (name.endsWith('lora_magnitude_vector')) return 'magnitude';
  if (name.includes('lora_embedding_')) return 'embedding';
  return name.includes('lora_B') || shape.length === 1 ? 'raised' : 'usual';
}

/** @param usual the multiple at which vectors learn */
export function magnitudeFactor(fields: MethodFields, usual: number): RateFactor | undefined {
  const rests = fields['dora_magnitude_freeze_steps'] as number;
  const ratio = (fields['dora_magnitude_lr_ratio'] as number) * usual;
  return rests === 0 && ratio === 1 ? undefined : (step) => (step <= rests ? 0 : ratio);
}
