import { UserError } from '../../formats/errors.ts';
import { resamplings } from './resize.ts';
import type { Resampling } from './resize.ts';

/** How wide and high an image is made: exactly, or by its shorter edge, keeping its proportions. */
export type TargetSize = { readonly height: number; readonly width: number } | { readonly shortestEdge: number };

/** preprocessor_config.json, read; what is null is not done. The steps are taken in this order. */
export interface Preprocessor {
  readonly resize: { readonly size: TargetSize; readonly resampling: Resampling } | null;
  readonly centerCrop: { readonly height: number; readonly width: number } | null;
  readonly rescaleFactor: number | null;
  /** by channel: red, green, blue */
  readonly normalize: { readonly mean: readonly number[]; readonly std: readonly number[] } | null;
}

type Fields = Readonly<Record<string, unknown>>;

/** What ViTImageProcessor takes where the file says nothing. */
const vitDefaults: Fields = {
  do_resize: true,
  size: { height: 224, width: 224 },
  resample: 2,
  do_center_crop: false,
  do_rescale: true,
  rescale_factor: 1 / 255,
  do_normalize: true,
  image_mean: [0.5, 0.5, 0.5],
  image_std: [0.5, 0.5, 0.5],
};

/** Steps of other image processors that would change the pixels. */
const unsupported = [
  'do_pad',
  'do_flip_channel_order',
  'do_grayscale',
  'do_thumbnail',
  'do_align_long_axis',
  'crop_pct',
];

/**
 * Reads preprocessor_config.json as ViTImageProcessor does. Throws a UserError that names the field that is wrong or that asks
 * for a step that is not done here.
 * @param config without it, ViTImageProcessor's defaults at `imageSize`
 * @param imageSize config.json's image_size, for files that name no size
 */
export function readPreprocessor(config: unknown, imageSize?: number): Preprocessor {
  const given: Fields = typeof config === 'object' && config !== null ? (config as Fields) : {};
  const size = imageSize === undefined ? {} : { size: imageSize };
  const fields: Fields = { ...vitDefaults, ...size, ...withoutNulls(given) };
  const step = unsupported.find((name) => isOn(fields[name]));
  if (step !== undefined)
    refuse(step, 'asks for a step that is not done here. Use a model of a plain ViTImageProcessor');
  return {
    resize: isOn(fields['do_resize'])
      ? { size: readSize(fields['size']), resampling: readResampling(fields['resample']) }
      : null,
    centerCrop: isOn(fields['do_center_crop']) ? readCrop(fields['crop_size'] ?? fields['size']) : null,
    rescaleFactor: isOn(fields['do_rescale']) ? positive(fields['rescale_factor'], 'rescale_factor') : null,
    normalize: isOn(fields['do_normalize'])
      ? { mean: channels(fields['image_mean'], 'image_mean'), std: channels(fields['image_std'], 'image_std') }
      : null,
  };
}

function isOn(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false && value !== 0;
}

function withoutNulls(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

/** A number is a square; a list is height and width. */
function readSize(value: unknown): TargetSize {
  if (typeof value === 'number') return { height: pixels(value, 'size'), width: pixels(value, 'size') };
  if (Array.isArray(value)) return { height: pixels(value[0], 'size'), width: pixels(value[1], 'size') };
  const size: Fields = typeof value === 'object' && value !== null ? (value as Fields) : {};
  if (size['longest_edge'] === undefined && size['max_height'] === undefined) {
    if (size['shortest_edge'] !== undefined) return { shortestEdge: pixels(size['shortest_edge'], 'size') };
    if (size['height'] !== undefined)
      return { height: pixels(size['height'], 'size'), width: pixels(size['width'], 'size') };
  }
  return refuse('size', `is ${JSON.stringify(value)}; it has to be a number, height and width, or shortest_edge`);
}

function readCrop(value: unknown): { height: number; width: number } {
  const size = readSize(value);
  return 'shortestEdge' in size ? { height: size.shortestEdge, width: size.shortestEdge } : size;
}

function readResampling(value: unknown): Resampling {
  const known = typeof value === 'number' ? resamplings[value] : undefined;
  return (
    known ?? refuse('resample', `is ${JSON.stringify(value)}; it has to be a number of 0 to ${resamplings.length - 1}`)
  );
}

function pixels(value: unknown, field: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value;
  return refuse(field, `holds ${JSON.stringify(value)}, which is no number of pixels`);
}

function positive(value: unknown, field: string): number {
  if (typeof value === 'number' && value > 0) return value;
  return refuse(field, `is ${JSON.stringify(value)}, not a number above 0`);
}

/** One number for each of red, green and blue; one number alone stands for all. */
function channels(value: unknown, field: string): readonly number[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value, value, value];
  const isNumbers = (values: readonly unknown[]): values is readonly number[] =>
    values.length === 3 && values.every((entry) => typeof entry === 'number' && Number.isFinite(entry));
  if (!isNumbers(list))
    return refuse(field, `is ${JSON.stringify(value)}, not a number for each of red, green and blue`);
  if (field === 'image_std' && list.includes(0)) return refuse(field, 'holds 0, by which nothing can be divided');
  return list;
}

function refuse(field: string, what: string): never {
  throw new UserError(`preprocessor_config.json: ${field} ${what}.`);
}
