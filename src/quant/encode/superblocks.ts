/**
 * Floats into GGUF's superblocks that hold other floats already: scales and mins stay, and each weight takes the nearest code. Where a
 * weight lies beyond what they reach, scales are fitted anew, within the superblock's d and dmin and with new ones, and the fit with the
 * least squared error is taken. gguf has no encoder for these formats that one could follow.
 */
import { floatToHalf, halfToFloat } from '../half.ts';
import { HALF_BLOCK, superblockScales, SUPERBLOCK } from '../superblocks.ts';
import { scaleBits } from './smallBlocks.ts';
import type { SuperblockFile } from './superblockFile.ts';

/** How the groups of a superblock decode: value = step · code + offset. */
interface Fit {
  readonly d: number;
  readonly dmin: number;
  readonly groups: readonly GroupFit[];
  /** sum of the squared errors */
  readonly error: number;
}

interface GroupFit {
  /** integer scale and min, by which the step and the offset are stored */
  readonly scale: number;
  readonly min: number;
  readonly step: number;
  readonly offset: number;
  readonly error: number;
}

/**
 * Throws a UserError that names the tensor where a scale is no half.
 * @param file the bytes of the superblock; those of its codes, and of its scales where they are fitted anew, are written over
 */
export function encodeSuperblock(kind: SuperblockFile, values: Float32Array, file: DataView, tensor: string): void {
  const stored = storedFit(kind, values, file);
  if (stored.groups.every((group, i) => reaches(kind, group, groupOf(kind, values, i)))) {
    putCodes(kind, stored, values, file);
    return;
  }
  const fits = [refit(kind, values, stored.d, stored.dmin, stored), newFit(kind, values, tensor)];
  const best = fits.reduce((least, fit) => (fit.error < least.error ? fit : least), stored);
  if (best !== stored) putScales(kind, best, file);
  putCodes(kind, best, values, file);
}

function storedFit(kind: SuperblockFile, values: Float32Array, file: DataView): Fit {
  const [d = 0, dmin = 0] = kind.layout.halves.map((at) => halfToFloat(file.getUint16(at, true)));
  const scales = superblockScales(kind.layout, file);
  const groups = Array.from({ length: SUPERBLOCK / kind.group }, (_, i) => {
    const at = (2 * i * kind.group) / HALF_BLOCK;
    const [step, offset] = [scales[at]!, scales[at + 1]!];
    const min = kind.zero === undefined && dmin !== 0 ? Math.round(-offset / dmin) : 0;
    return withError(kind, { scale: d === 0 ? 0 : Math.round(step / d), min, step, offset }, groupOf(kind, values, i));
  });
  return { d, dmin, groups, error: sum(groups) };
}

/** True where no number lies more than half a step beyond the codes. */
function reaches({ most }: SuperblockFile, { step, offset }: GroupFit, values: Float32Array): boolean {
  const ends = [offset, offset + most * step];
  const [low, high] = [Math.min(...ends) - Math.abs(step) / 2, Math.max(...ends) + Math.abs(step) / 2];
  return values.every((value) => value >= low && value <= high);
}

/** The nearest integer scales under d and dmin; of each group those that it has where they do better. */
function refit(kind: SuperblockFile, values: Float32Array, d: number, dmin: number, stored?: Fit): Fit {
  const groups = Array.from({ length: SUPERBLOCK / kind.group }, (_, i) => {
    const own = groupOf(kind, values, i);
    const [step, least] = idealScale(kind, own);
    const [lowest, highest] = kind.scales;
    const scale = d === 0 ? 0 : clamped(step / d, lowest, highest);
    const min = dmin === 0 ? 0 : clamped(-least / dmin, 0, highest);
    const offset = kind.zero === undefined ? -dmin * min : -kind.zero * d * scale;
    const fitted = withError(kind, { scale, min, step: d * scale, offset }, own);
    const before = stored?.groups[i];
    return before && before.error <= fitted.error ? before : fitted;
  });
  return { d, dmin, groups, error: sum(groups) };
}

/** With d and dmin such that the largest scale and the largest min are stored by the largest integers. */
function newFit(kind: SuperblockFile, values: Float32Array, tensor: string): Fit {
  const { layout, scales, zero } = kind;
  const ideals = Array.from({ length: SUPERBLOCK / kind.group }, (_, i) => idealScale(kind, groupOf(kind, values, i)));
  const farthest = ideals.reduce((most, [step]) => (Math.abs(step) > Math.abs(most) ? step : most), 0);
  const lowest = ideals.reduce((low, [, least]) => Math.min(low, least), 0);
  const half = (value: number) => halfToFloat(scaleBits(tensor, layout.name.toUpperCase(), value));
  const d = half(farthest / (zero === undefined ? scales[1] : scales[0]));
  return refit(kind, values, d, zero === undefined ? half(-lowest / scales[1]) : 0);
}

/** The step, and the value of code 0, with which codes just reach all numbers. Of mins that are subtracted none is above 0. */
function idealScale({ most, zero }: SuperblockFile, values: Float32Array): [step: number, least: number] {
  if (zero !== undefined) {
    const farthest = values.reduce((far, value) => (Math.abs(value) > Math.abs(far) ? value : far), 0);
    return [farthest / -zero, 0];
  }
  const least = values.reduce((low, value) => Math.min(low, value), 0);
  return [values.reduce((high, value) => Math.max(high, value), least) / most - least / most, least];
}

function withError(kind: SuperblockFile, fit: Omit<GroupFit, 'error'>, values: Float32Array): GroupFit {
  let error = 0;
  for (const value of values) error += (fit.step * nearestCode(kind, fit, value) + fit.offset - value) ** 2;
  return { ...fit, error };
}

function nearestCode({ most }: SuperblockFile, { step, offset }: Omit<GroupFit, 'error'>, value: number): number {
  return step === 0 ? 0 : clamped((value - offset) / step, 0, most);
}

function putScales({ layout, zero, ...kind }: SuperblockFile, { d, dmin, groups }: Fit, file: DataView): void {
  file.setUint16(layout.halves[0]!, floatToHalf(d), true);
  if (zero === undefined) file.setUint16(layout.halves[1]!, floatToHalf(dmin), true);
  kind.putScales(
    file,
    groups.map(({ scale }) => scale),
    groups.map(({ min }) => min),
  );
}

function putCodes(kind: SuperblockFile, { groups }: Fit, values: Float32Array, file: DataView): void {
  values.forEach((value, at) => {
    const group = groups[Math.floor(at / kind.group)]!;
    kind.putCode(file, at >> 5, at & 31, nearestCode(kind, group, value));
  });
}

function groupOf({ group }: SuperblockFile, values: Float32Array, index: number): Float32Array {
  return values.subarray(index * group, (index + 1) * group);
}

function sum(groups: readonly GroupFit[]): number {
  return groups.reduce((total, { error }) => total + error, 0);
}

function clamped(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, Math.round(value)));
}
