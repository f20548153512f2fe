export interface Bar {
  /** tokens: above `from`, up to and with `upTo` */
  readonly from: number;
  readonly upTo: number;
  readonly rows: number;
  /** shares of the plot */
  readonly left: number;
  readonly width: number;
  readonly height: number;
}

export interface HistogramView {
  readonly bars: readonly Bar[];
  /** where the length line stands, as a share of the width; null where it is right of the plot */
  readonly line: number | null;
  /** tokens at the right end */
  readonly end: number;
}

/** Places the bars of a histogram, given by upper edges, on a linear axis from 0 to the longest row. */
export function histogramBars(
  bins: readonly { readonly upTo: number; readonly rows: number }[],
  maxLength: number,
): HistogramView {
  const end = bins.at(-1)?.upTo ?? 0;
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
    };
  });
  return { bars, line: end > 0 && maxLength <= end ? maxLength / end : null, end };
}
