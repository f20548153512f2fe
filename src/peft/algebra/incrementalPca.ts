import { leadingRows, matrixOfRows, rowOf, zeros, type Matrix } from './matrix.ts';
import { truncatedSvd } from './truncatedSvd.ts';

/** Passes of the randomised factorisation, and its seed, as in PEFT. */
const iterations = 4;
const seed = 42;

/**
 * The principal components of rows that come in batches, of which none is kept (Ross et al., International Journal of Computer Vision 77,
 * 2008), as PEFT 0.21's utils/incremental_pca.py finds them: each batch is factorised together with what is known of the ones before.
 */
export class IncrementalPca {
  readonly count: number;
  #found: { readonly components: Matrix; readonly values: Float64Array } | undefined;
  #seen = 0;
  #mean = new Float64Array(0);
  /** Σ of the squared distances from the mean, by column */
  #spread = new Float64Array(0);

  /** @param count components that are wanted */
  constructor(count: number) {
    this.count = count;
  }

  /** [count, columns], orthonormal rows, the widest spread first; undefined before the first batch */
  get components(): Matrix | undefined {
    return this.#found?.components;
  }

  /** Lengths of the components' spread: the singular values of all centred rows. */
  get singularValues(): Float64Array {
    return this.#found?.values ?? new Float64Array(0);
  }

  /** Share of the variance that each component explains. */
  get explainedShares(): Float64Array {
    const total = this.#spread.reduce((sum, x) => sum + x, 0);
    return this.singularValues.map((value) => (value * value) / total);
  }

  /** Takes in at least `count` rows. */
  add(batch: Matrix): void {
    const { rows, columns } = batch;
    const mean = columnMeans(batch);
    const centred = zeros(rows, columns);
    const spread = new Float64Array(columns);
    batch.data.forEach((x, i) => {
      const column = i % columns;
      const from = x - (mean[column] ?? 0);
      centred.data[i] = from;
      spread[column] = (spread[column] ?? 0) + from * from;
    });
    const known = this.#found;
    const weight = (this.#seen * rows) / (this.#seen + rows);
    const shift = known && mean.map((x, column) => Math.sqrt(weight) * ((this.#mean[column] ?? 0) - x));
    const stacked = known && shift ? stack(known, centred, shift) : centred;
    const { values, vt } = truncatedSvd(stacked, this.count, { iterations, seed, oversampling: this.count });
    this.#found = { components: leadingRows(vt, this.count), values: values.slice(0, this.count) };
    this.#spread = spread.map((x, column) => x + (this.#spread[column] ?? 0) + (shift?.[column] ?? 0) ** 2);
    this.#mean = mean.map((x, i) => (x * rows + (this.#mean[i] ?? 0) * this.#seen) / (this.#seen + rows));
    this.#seen += rows;
  }
}

function columnMeans({ rows, columns, data }: Matrix): Float64Array {
  const means = new Float64Array(columns);
  data.forEach((x, i) => (means[i % columns] = (means[i % columns] ?? 0) + x / rows));
  return means;
}

/** The components at their lengths, the centred rows, and how far the batch's mean is from that of the rows before. */
function stack(
  { components, values }: { readonly components: Matrix; readonly values: Float64Array },
  centred: Matrix,
  shift: Float64Array,
): Matrix {
  const rowsOf = (matrix: Matrix) => Array.from({ length: matrix.rows }, (_, row) => rowOf(matrix, row));
  const scaled = rowsOf(components).map((row, i) => row.map((x) => x * (values[i] ?? 0)));
  return matrixOfRows(centred.columns, [...scaled, ...rowsOf(centred), shift]);
}
