import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { learningRateAt, type SchedulerType } from './schedule.ts';

interface Case {
  readonly type: SchedulerType;
  readonly warmupSteps: number;
  readonly totalSteps: number;
  readonly learningRate: number;
  readonly rates: readonly number[];
}

const file = new URL('../../tests/fixtures/transformers/schedules.json', import.meta.url);
const cases = JSON.parse(readFileSync(file, 'utf8')) as Case[];

describe('learningRateAt', () => {
  it.each(cases.map((given) => [`${given.type}, ${given.warmupSteps} of ${given.totalSteps}`, given] as const))(
    'is what get_scheduler gives: %s',
    (_, { rates, ...schedule }) => {
      rates.forEach((rate, done) => expect(learningRateAt(schedule, done), `step ${done}`).toBeCloseTo(rate, 12));
    },
  );
});
