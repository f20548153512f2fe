/** What an adapter's change loses where the merged weights are rounded to a format of few bits. */

/** Of one weight, or of all together: sums of squares. */
interface Sums {
  change: number;
  difference: number;
}

export interface LossReport {
  /** ‖rounded − merged‖ ÷ ‖merged − base‖ over all weights that the adapter changes */
  readonly change_lost: number;
  /** the same of the weight where it is largest, and that weight's name */
  readonly largest_change_lost: number;
  readonly largest_change_lost_in: string | null;
  /** the largest |rounded − merged| of a single number, and its weight's name */
  readonly largest_difference: number;
  readonly largest_difference_in: string | null;
}

/** From this share on the rounding holds more than half of the change's energy. */
const MOSTLY_LOST = Math.SQRT1_2;

export class ChangeLost {
  readonly #total: Sums = { change: 0, difference: 0 };
  #share = { most: 0, name: null as string | null };
  #difference = { most: 0, name: null as string | null };

  /** Of one weight: before merging, merged, and as its format now has it. */
  add(name: string, base: Float32Array, merged: Float32Array, rounded: Float32Array): void {
    const own: Sums = { change: 0, difference: 0 };
    let most = 0;
    for (let i = 0; i < merged.length; i++) {
      const value = merged[i]!;
      const difference = Math.abs(rounded[i]! - value);
      if (difference > most) most = difference;
      own.change += (value - base[i]!) ** 2;
      own.difference += difference ** 2;
    }
    this.#total.change += own.change;
    this.#total.difference += own.difference;
    if (shareOf(own) > this.#share.most) this.#share = { most: shareOf(own), name };
    if (most > this.#difference.most) this.#difference = { most, name };
  }

  report(): LossReport {
    return {
      change_lost: shareOf(this.#total),
      largest_change_lost: this.#share.most,
      largest_change_lost_in: this.#share.name,
      largest_difference: this.#difference.most,
      largest_difference_in: this.#difference.name,
    };
  }
}

/** The report in a sentence. @param formats what the weights are rounded to, in words */
export function lossInWords(report: LossReport, formats: readonly string[]): string {
  const { change_lost: share, largest_change_lost: worst, largest_change_lost_in: weight } = report;
  if (weight === null) return 'writing the model in the format of its base loses nothing of the adapter';
  const percent = (value: number) => `${Number((100 * value).toPrecision(2))} %`;
  const advice =
    share > MOSTLY_LOST
      ? ': most of what the adapter learned is lost, so merge into 16 bit instead, without --requantize'
      : '';
  return (
    `rounding back to ${formats.join(', ')} is ${percent(share)} as large as the adapter’s change, at most ${percent(worst)} (${weight}); ` +
    `no number is off by more than ${report.largest_difference.toPrecision(2)}${advice}`
  );
}

function shareOf({ change, difference }: Sums): number {
  return change > 0 ? Math.sqrt(difference / change) : 0;
}
