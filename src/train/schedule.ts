export type SchedulerType = 'constant' | 'constant_with_warmup' | 'linear' | 'cosine';

export const schedulerTypes: readonly SchedulerType[] = ['linear', 'cosine', 'constant', 'constant_with_warmup'];

/**
 * The learning rate of each optimizer step, as Transformers' get_scheduler gives it (optimization.py): up from 0 over the warm-up,
 * then constant, linear to 0 at the last step, or half a cosine to 0. 'constant' has no warm-up.
 * @param done optimizer steps done before this one (the first step of a warm-up has rate 0)
 */
export function learningRateAt(
  schedule: { type: SchedulerType; learningRate: number; warmupSteps: number; totalSteps: number },
  done: number,
): number {
  const { type, learningRate, warmupSteps, totalSteps } = schedule;
  if (type === 'constant') return learningRate;
  if (done < warmupSteps) return (learningRate * done) / Math.max(1, warmupSteps);
  if (type === 'constant_with_warmup') return learningRate;
  const progress = (done - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
  if (type === 'linear') return learningRate * Math.max(0, 1 - progress);
  return learningRate * Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress)));
}
