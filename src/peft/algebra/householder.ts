import { addScaled, dot } from './matrix.ts';

/** Takes x to x − scale · (v · x) v, which keeps lengths. */
export interface Reflection {
  readonly v: Float64Array;
  readonly scale: number;
}

/**
 * The reflection that turns a column into its first entry alone, with the sign of LAPACK's larfg: that entry becomes minus the
 * column's length where it was positive. Undefined where nothing stands below it: then it stays as it is.
 */
export function reflectionOf(column: Float64Array): Reflection | undefined {
  if (column.subarray(1).every((x) => x === 0)) return undefined;
  const largest = column.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const v = column.map((x) => x / largest);
  const [first = 0] = v;
  v[0] = first + (first >= 0 ? 1 : -1) * Math.sqrt(dot(v, v));
  return { v, scale: 2 / dot(v, v) };
}

export function reflect(reflection: Reflection | undefined, x: Float64Array): void {
  if (reflection) addScaled(x, -reflection.scale * dot(reflection.v, x), reflection.v);
}
