import type { OpDefinition } from '../op.ts';
import { embedding } from './embedding.ts';
import { embeddingGradient } from './embeddingGradient.ts';
import { matmul } from './matmul.ts';
import { sumRows } from './sumRows.ts';
import { activation } from './activation.ts';
import { attention } from './attention.ts';
import { attentionDiagonals } from './attentionDiagonals.ts';
import { attentionKeyGradient } from './attentionKeyGradient.ts';
import { attentionQueryGradient } from './attentionQueryGradient.ts';
import { attentionStatistics } from './attentionStatistics.ts';
import { activationGradient } from './activationGradient.ts';
import { crossEntropy, crossEntropyLoss } from './crossEntropy.ts';
import { valueLoss } from './valueLoss.ts';
import { foldDistances } from './foldDistances.ts';
import { gatedActivation } from './gatedActivation.ts';
import { gatedActivationGradient } from './gatedActivationGradient.ts';
import { layerNorm } from './layerNorm.ts';
import { layerNormGradient } from './layerNormGradient.ts';
import { normWeightGradient } from './normWeightGradient.ts';
import { rmsNorm } from './rmsNorm.ts';
import { rmsNormGradient } from './rmsNormGradient.ts';
import { rope } from './rope.ts';
import { sumInto } from './sumInto.ts';
import { binary } from './binary.ts';
import { unary, unaryGradient, scale } from './unary.ts';
import { accumulate } from './accumulate.ts';
import { dropout } from './dropout.ts';
import { reduce } from './reduce.ts';
import { broadcastTo } from './broadcastTo.ts';
import { gatherRows, scatterAddRows } from './gatherRows.ts';
import { cacheWrite } from './cacheWrite.ts';
import { gradientNorm } from './gradientNorm.ts';
import { adamW } from './adamW.ts';
import { clear } from './clear.ts';
import { constant } from './constant.ts';
import { dropFrozen } from './dropFrozen.ts';
import { recordMetrics } from './recordMetrics.ts';
import { transpose } from './transpose.ts';
import { slice, pad } from './slice.ts';
import { concat } from './concat.ts';
import { unfold, fold } from './unfold.ts';
import { softmax, softmaxGradient } from './softmax.ts';
import { topKMask } from './topKMask.ts';
import { rankScores } from './rankScores.ts';
import { applyRankMask, rankMask } from './rankMask.ts';
import { blockInverse } from './blockInverse.ts';
import { skew, unskew } from './skew.ts';

/** The closed set of ops: everything that a model or a method does lowers to these. One file each. */
const definitions: readonly OpDefinition[] = [
  matmul,
  sumRows,
  embedding,
  embeddingGradient,
  attention,
  attentionStatistics,
  attentionQueryGradient,
  attentionKeyGradient,
  attentionDiagonals,
  foldDistances,
  activation,
  activationGradient,
  gatedActivation,
  gatedActivationGradient,
  rmsNorm,
  rmsNormGradient,
  layerNorm,
  layerNormGradient,
  normWeightGradient,
  rope,
  crossEntropy,
  crossEntropyLoss,
  valueLoss,
  sumInto,
  binary,
  unary,
  unaryGradient,
  scale,
  accumulate,
  dropout,
  reduce,
  broadcastTo,
  gatherRows,
  scatterAddRows,
  cacheWrite,
  gradientNorm,
  adamW,
  clear,
  constant,
  dropFrozen,
  recordMetrics,
  transpose,
  slice,
  pad,
  concat,
  unfold,
  fold,
  softmax,
  softmaxGradient,
  topKMask,
  rankScores,
  rankMask,
  applyRankMask,
  blockInverse,
  skew,
  unskew,
];

const byName = new Map(definitions.map((definition) => [definition.name, definition]));

export function opDefinition(name: string): OpDefinition {
  const definition = byName.get(name);
  if (!definition) throw new Error(`There is no op named ${name}.`);
  return definition;
}
