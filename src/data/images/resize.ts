import type { RgbImage } from './rgbImage.ts';

/** Pillow's Resampling, by the number that preprocessor_config.json's `resample` has. */
export const resamplings = ['nearest', 'lanczos', 'bilinear', 'bicubic', 'box', 'hamming'] as const;
export type Resampling = (typeof resamplings)[number];

/**
 * The image at another size, byte for byte as Pillow 13's Image.resize makes it (Resample.c, Geometry.c): filters that widen with
 * the reduction, so that nothing is skipped, in fixed-point arithmetic, along rows and along columns with bytes between them.
 */
export function resize(image: RgbImage, width: number, height: number, resampling: Resampling): RgbImage {
  if (image.width === width && image.height === height) return image;
  if (resampling === 'nearest') return pickNearest(image, width, height);
  const filter = filters[resampling];
  const alongRows = (from: RgbImage) => (from.width === width ? from : resampleRows(from, width, filter));
  const alongColumns = (from: RgbImage) => (from.height === height ? from : resampleColumns(from, height, filter));
  return beginsWithColumns(image, width, height) ? alongRows(alongColumns(image)) : alongColumns(alongRows(image));
}

/** Rows come first, unless the height loses more than twice as many pixels as the width; older versions of Pillow know no exception. */
function beginsWithColumns(image: RgbImage, width: number, height: number): boolean {
  const lost = image.height - height;
  return lost > 0 && lost > 2 * (image.width - width);
}

interface Filter {
  /** how far from its centre a filter reaches, in pixels of an image that is not reduced */
  readonly support: number;
  weight(distance: number): number;
}

const filters: Readonly<Record<Exclude<Resampling, 'nearest'>, Filter>> = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: { support: 1, weight: (x) => (Math.abs(x) < 1 ? sinc(x) * (0.54 + 0.46 * Math.cos(Math.PI * x)) : 0) },
  bicubic: { support: 2, weight: (x) => cubic(Math.abs(x)) },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

/** Keys' cubic convolution with a = −1/2. */
function cubic(x: number): number {
  const a = -0.5;
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

/** Which source pixels make up each target pixel, and how much of each. */
interface Kernel {
  /** weights a target pixel has room for */
  readonly size: number;
  /** [targets] the first source pixel, and how many */
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** [targets, size] in units of 2^-fractionBits */
  readonly weights: Int32Array;
}

/** Bits behind the point: 32, less 8 for the pixel and 2 for sums that overshoot. */
const fractionBits = 22;

function kernelOf(from: number, to: number, filter: Filter): Kernel {
  const scale = from / to;
  const widening = Math.max(1, scale);
  const support = filter.support * widening;
  const size = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(to);
  const count = new Int32Array(to);
  const weights = new Int32Array(to * size);
  const exact = new Float64Array(size);
  for (let target = 0; target < to; target++) {
    const center = (target + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(from, Math.trunc(center + support + 0.5));
    let sum = 0;
    for (let i = 0; i < end - start; i++) {
      // multiplied by the inverse, as Pillow does: a quotient may differ in its last bit
      exact[i] = filter.weight((i + start - center + 0.5) * (1 / widening));
      sum += exact[i]!;
    }
    for (let i = 0; i < end - start; i++) {
      const share = (sum === 0 ? exact[i]! : exact[i]! / sum) * 2 ** fractionBits;
      weights[target * size + i] = Math.trunc(share + (share < 0 ? -0.5 : 0.5));
    }
    first[target] = start;
    count[target] = end - start;
  }
  return { size, first, count, weights };
}

const half = 1 << (fractionBits - 1);

function toByte(sum: number): number {
  return Math.min(255, Math.max(0, sum >> fractionBits));
}

function resampleRows({ width, height, rgb }: RgbImage, to: number, filter: Filter): RgbImage {
  const { size, first, count, weights } = kernelOf(width, to, filter);
  const resized = new Uint8Array(to * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < to; x++) {
      let r = half;
      let g = half;
      let b = half;
      let at = (y * width + first[x]!) * 3;
      for (let i = 0; i < count[x]!; i++, at += 3) {
        const weight = weights[x * size + i]!;
        r += rgb[at]! * weight;
        g += rgb[at + 1]! * weight;
        b += rgb[at + 2]! * weight;
      }
      const pixel = (y * to + x) * 3;
      resized[pixel] = toByte(r);
      resized[pixel + 1] = toByte(g);
      resized[pixel + 2] = toByte(b);
    }
  return { width: to, height, rgb: resized };
}

function resampleColumns({ width, height, rgb }: RgbImage, to: number, filter: Filter): RgbImage {
  const { size, first, count, weights } = kernelOf(height, to, filter);
  const stride = width * 3;
  const resized = new Uint8Array(stride * to);
  const sums = new Int32Array(stride);
  for (let y = 0; y < to; y++) {
    sums.fill(half);
    for (let i = 0; i < count[y]!; i++) {
      const weight = weights[y * size + i]!;
      const row = (first[y]! + i) * stride;
      for (let x = 0; x < stride; x++) sums[x]! += rgb[row + x]! * weight;
    }
    for (let x = 0; x < stride; x++) resized[y * stride + x] = toByte(sums[x]!);
  }
  return { width, height: to, rgb: resized };
}

/** The middle of each target pixel, stepped to from the one before as Pillow does, so that rounding falls alike. */
function nearestOf(from: number, to: number): Int32Array {
  const step = from / to;
  const picked = new Int32Array(to);
  let at = step * 0.5;
  for (let i = 0; i < to; i++, at += step) picked[i] = Math.min(from - 1, Math.floor(at));
  return picked;
}

function pickNearest({ width, height, rgb }: RgbImage, toWidth: number, toHeight: number): RgbImage {
  const columns = nearestOf(width, toWidth);
  const rows = nearestOf(height, toHeight);
  const resized = new Uint8Array(toWidth * toHeight * 3);
  for (let y = 0; y < toHeight; y++)
    for (let x = 0; x < toWidth; x++) {
      const at = (rows[y]! * width + columns[x]!) * 3;
      resized.set(rgb.subarray(at, at + 3), (y * toWidth + x) * 3);
    }
  return { width: toWidth, height: toHeight, rgb: resized };
}
