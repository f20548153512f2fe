export interface Bar {
  /** tokens: from `from` up to but without `upTo` */
  readonly from: number;
  readonly upTo: number;
  readonly rows: number;
  /** shares of the plot */
  readonly left: number;
  readonly width: number;
  readonly height: number;
  /** rows of the maximum length lie here, and with them those that were cut to it */
  readonly atLimit: boolean;
}

export interface HistogramView {
  readonly bars: readonly Bar[];
  /** where the length line stands, as a share of the width; null where it is far right of every row */
  readonly line: number | null;
  /** tokens at the right end */
  readonly end: number;
}

/** The line is drawn up to this far beyond the longest row. */
const reach = 1.5;

/** Places the bars of a histogram, given by upper edges, on a linear axis from 0. */
export function histogramBars(
  bins: readonly { readonly upTo: number; readonly rows: number }[],
  maxLength: number,
): HistogramView {
  const last = bins.at(-1)?.upTo ?? 0;
  const showsLine = last > 0 && maxLength <= last * reach;
  const end = showsLine ? Math.max(last, maxLength) : last;
  const highest = Math.max(1, ...bins.map((bin) => bin.rows));
  const bars = bins.map((bin, index): Bar => {
    const from = bins[index - 1]?.upTo ?? 0;
    return {
      from,
      upTo: bin.upTo,
      rows: bin.rows,
      left: from / end,
      width: (bin.upTo - from) / end,
      height: bin.rows / highest,
      atLimit: from <= maxLength && maxLength < bin.upTo,
    };
  });
  return { bars, line: showsLine ? maxLength / end : null, end };
}
