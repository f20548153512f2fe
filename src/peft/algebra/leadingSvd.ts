import { dot, leadingRows, transpose, type Matrix } from './matrix.ts';
import { svd, type Svd } from './svd.ts';
import { truncatedSvd } from './truncatedSvd.ts';

/** Smaller side up to which all eigenvalues are worked out; 1024 takes about 3 s, and the time grows with the third power. */
const mostExact = 1024;
/** Passes of the randomised way, which bring the leading values to about three digits even where they hardly fall off. */
const iterations = 10;

/** What PEFT, whose sums are in single precision, cannot tell from nothing. */
const singleRounding = 2 ** -24;

/** How much of an update is to be kept: a number of directions, or the share of its energy ‖ΔW‖² that they hold together. */
export type Kept = { readonly rank: number } | { readonly share: number };

/**
 * The leading part of a matrix: exact up to a thousand rows or columns; for one of few directions, as the
 * updates of most methods are, to single precision and faster; by the randomised way above that.
 */
export function leadingSvd(matrix: Matrix, rank: number): Svd {
  const few = ofFewDirections(matrix, 2 * rank + 10);
  if (few) return leadingPart(few, rank);
  const smaller = Math.min(matrix.rows, matrix.columns);
  if (smaller <= mostExact || rank > smaller / 4) return svd(matrix, rank);
  return truncatedSvd(matrix, rank, { iterations, seed: 0, oversampling: rank + 10 });
}

/** The fewest directions that hold a share of the energy, above 0 and up to 1; one where there is none to hold. */
export function svdOfShare(matrix: Matrix, share: number): Svd {
  const wanted = share * dot(matrix.data, matrix.data) * (1 - singleRounding);
  const few = ofFewDirections(matrix, 64);
  if (few) return leadingPart(few, directionsOf(few.values, wanted));
  const smaller = Math.min(matrix.rows, matrix.columns);
  if (smaller > mostExact)
    for (let rank = 16; rank <= smaller / 4; rank *= 2) {
      const found = leadingSvd(matrix, rank);
      const enough = directionsOf(found.values, wanted);
      if (enough <= rank) return leadingPart(found, enough);
    }
  return svd(matrix, (values) => directionsOf(values, wanted));
}

/** Share of the energy that rounding to single precision puts beside the directions, with room for what one pass makes of it. */
const noise = 1e-12;

/** All of a matrix that has no more directions than `most`: any random subspace of that size then holds it. Undefined where it has more. */
function ofFewDirections(matrix: Matrix, most: number): Svd | undefined {
  if (most > Math.min(matrix.rows, matrix.columns) / 4) return undefined;
  const found = truncatedSvd(matrix, most, { iterations: 0, seed: 0, oversampling: 0 });
  return dot(found.values, found.values) >= (1 - noise) * dot(matrix.data, matrix.data) ? found : undefined;
}

function leadingPart({ u, values, vt }: Svd, rank: number): Svd {
  return {
    u: transpose(leadingRows(transpose(u), rank)),
    values: values.slice(0, rank),
    vt: leadingRows(vt, rank),
  };
}

/** How many of the values hold that much energy; one more than there are where all do not. */
function directionsOf(values: Float64Array, wanted: number): number {
  let energy = 0;
  for (const [i, value] of values.entries()) {
    energy += value * value;
    if (energy >= wanted) return i + 1;
  }
  return values.length + 1;
}
