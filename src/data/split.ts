import { UserError } from '../formats/errors.ts';
import { permutation } from './randomNumbers.ts';

/** The stream of random numbers that draws evaluation rows; epochs take the others. */
const splitStream = -1;

export interface Split<Row> {
  readonly train: Row[];
  readonly evaluation: Row[];
}

/**
 * Sets round(rows × ratio) rows aside for evaluation, at least one where ratio > 0; which ones depends on seed and number of
 * rows alone. Both parts keep the order of the file. Throws a UserError where nothing would be left to train on.
 */
export function splitRows<Row>(rows: readonly Row[], ratio: number, seed: number): Split<Row> {
  if (!(ratio >= 0 && ratio < 1))
    throw new UserError(`val_split_ratio is ${ratio}; it has to be at least 0 and less than 1.`);
  const size = ratio === 0 ? 0 : Math.max(1, Math.round(rows.length * ratio));
  if (rows.length > 0 && size >= rows.length) {
    throw new UserError(
      `val_split_ratio ${ratio} of ${rows.length} rows leaves none to train on. Lower it or add rows.`,
    );
  }
  const drawn = new Set(permutation(rows.length, seed, splitStream).subarray(0, size));
  return {
    train: rows.filter((_, index) => !drawn.has(index)),
    evaluation: rows.filter((_, index) => drawn.has(index)),
  };
}
