import type { DataCard } from '../../engine/api.ts';

/** Rows of the file itself: those held out of it are counted apart, those of an evaluation file are not in it. */
export function rowsInFile({ rows, evalRows, evalName }: DataCard): number {
  return evalName === undefined ? rows + evalRows : rows;
}

/** 'all for training', '12 held out to evaluate', '30 more in eval.jsonl' */
export function evaluationText({ evalRows, evalName }: DataCard): string {
  if (evalName !== undefined) return `${evalRows} more in ${evalName} to evaluate`;
  return evalRows > 0 ? `${evalRows} held out to evaluate` : 'all for training';
}
