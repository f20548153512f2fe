import type { OpDefinition } from '../op.ts';
import { checkNorm, gradientSpecs, lowerNormGradient, referenceNormGradient } from './norm.ts';
import { operand, requireShape } from './operands.ts';

const kind = { op: 'rmsNorm', centered: false } as const;

/**
 * [x, weight, dy] → [dx] or, with attribute `keepStatistics`, [dx, statistics [rows, 2]] (mean and rstd, for normWeightGradient).
 * dx = rstd·(g − x̂·mean(g·x̂)) with g = dy·w and x̂ = x·rstd.
 */
export const rmsNormGradient: OpDefinition = {
  name: 'rmsNormGradient',
  infer(inputs, attributes) {
    const { shape } = checkNorm('rmsNormGradient', inputs, { 1: 'weight' });
    requireShape('rmsNormGradient', 'dy', operand('rmsNormGradient', inputs, 2).shape, shape);
    return gradientSpecs(shape, attributes['keepStatistics'] === true);
  },
  reference(inputs, node) {
    return referenceNormGradient(kind, node, inputs);
  },
  lower(node, context) {
    return lowerNormGradient(kind, node, context);
  },
};
