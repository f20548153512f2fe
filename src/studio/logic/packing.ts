import type { ModelCard, WeightGroup, WeightRole } from '../../engine/api.ts';
import { formatShare } from './format.ts';

export const roleNames: Readonly<Record<WeightRole, string>> = {
  embedding: 'Embedding',
  attention: 'Attention',
  mlp: 'Feed-forward',
  head: 'Head',
  norm: 'Norms',
  other: 'Other',
};

/** Weights in one format. */
export interface PackedFormat {
  readonly format: string;
  readonly isFloat: boolean;
  readonly bytes: number;
  /** of all weights' bytes, 0 to 1 */
  readonly share: number;
  readonly bitsPerWeight: number;
}

/** By format, the largest part first. */
export function packedFormats(groups: readonly WeightGroup[]): readonly PackedFormat[] {
  const all = groups.reduce((sum, { bytes }) => sum + bytes, 0);
  const names = [...new Set(groups.map(({ format }) => format))];
  return names
    .map((format) => {
      const own = groups.filter((group) => group.format === format);
      const bytes = own.reduce((sum, group) => sum + group.bytes, 0);
      const isFloat = own.every((group) => group.isFloat);
      return { format, isFloat, bytes, share: bytes / Math.max(1, all), bitsPerWeight: bitsPerWeight(own) };
    })
    .sort((a, b) => b.bytes - a.bytes);
}

const roleOrder = Object.keys(roleNames);

/** By role, in the order in which a model runs; a role's formats with the largest part first. */
export function packedRoles(groups: readonly WeightGroup[]): readonly WeightGroup[] {
  return [...groups].sort((a, b) => roleOrder.indexOf(a.role) - roleOrder.indexOf(b.role) || b.bytes - a.bytes);
}

/** Scales and zero points included. */
export function bitsPerWeight(groups: readonly WeightGroup[]): number {
  const bytes = groups.reduce((sum, group) => sum + group.bytes, 0);
  const weights = groups.reduce((sum, group) => sum + group.weights, 0);
  return weights > 0 ? (8 * bytes) / weights : 0;
}

/** 16 → '16', 4.5 → '4.5', 4.1279 → '4.13' */
export function formatBits(bits: number): string {
  return String(Number(bits.toFixed(2)));
}

/** The format that most of the weights in its layers have. */
export function mainFormat({ weights }: Pick<ModelCard, 'weights'>): string {
  const inLayers = weights.filter(({ role }) => role === 'attention' || role === 'mlp');
  return packedFormats(inLayers.length > 0 ? inLayers : weights)[0]?.format ?? '';
}

/** Whether what lies in its layers can be quantised. */
export function isFloatModel({ weights }: Pick<ModelCard, 'weights'>): boolean {
  return weights.every(({ role, isFloat }) => isFloat || (role !== 'attention' && role !== 'mlp' && role !== 'other'));
}

/** What models are usually handed out in. */
const usualBits = 16;

/** What the packing means, in a sentence or two. */
export function packingText(card: Pick<ModelCard, 'weights'>): string {
  const all = card.weights.reduce((sum, { weights }) => sum + weights, 0);
  const packed = card.weights.reduce((sum, { weights, isFloat }) => sum + (isFloat ? 0 : weights), 0);
  if (packed === 0)
    return `Its weights are plain floats, ${mainFormat(card)}: nothing has been rounded away, and they can be quantised below.`;
  const bits = bitsPerWeight(card.weights);
  const size = bits < usualBits ? `, ${formatShare(bits / usualBits)} of what ${usualBits} bits would take` : '';
  const whole = packed === all ? 'All' : formatShare(packed / all);
  return `${whole} of its weights are quantised. It takes ${formatBits(bits)} bits a weight${size}, and is trained on as it is.`;
}
