import type { Preprocessor, TargetSize } from './preprocessor.ts';
import { resize } from './resize.ts';
import type { RgbImage } from './rgbImage.ts';

/** The steps on bytes: resized and cropped, as ViTImageProcessor does both before any arithmetic. */
export function fitImage(image: RgbImage, { resize: resizing, centerCrop }: Preprocessor): RgbImage {
  const { width, height } = resizing ? sizeOf(image, resizing.size) : image;
  const resized = resizing ? resize(image, width, height, resizing.resampling) : image;
  return centerCrop ? cropCenter(resized, centerCrop) : resized;
}

function sizeOf({ width, height }: RgbImage, size: TargetSize): { readonly height: number; readonly width: number } {
  if (!('shortestEdge' in size)) return size;
  const short = size.shortestEdge;
  const long = Math.floor((short * Math.max(width, height)) / Math.min(width, height));
  return width <= height ? { width: short, height: long } : { width: long, height: short };
}

/** The middle of an image; black around it where it is smaller. */
function cropCenter(image: RgbImage, { height, width }: { height: number; width: number }): RgbImage {
  const top = cropStart(image.height, height);
  const left = cropStart(image.width, width);
  const rgb = new Uint8Array(width * height * 3);
  for (let y = Math.max(0, -top); y < Math.min(height, image.height - top); y++) {
    const from = Math.max(0, left);
    const to = Math.min(image.width, left + width);
    const row = (y + top) * image.width;
    rgb.set(image.rgb.subarray((row + from) * 3, (row + to) * 3), (y * width + from - left) * 3);
  }
  return { width, height, rgb };
}

/** Where a crop begins along one side; below 0 where the image is too short. An odd pixel is left at the end, or padded at the start. */
function cropStart(length: number, cropped: number): number {
  return Math.floor((length - cropped) / 2);
}

/**
 * Writes a fitted image as a model takes it: [3, height, width], rescaled and normalized in single precision as NumPy does it.
 * @param pixelValues where to; begins at `offset`
 */
export function writePixelValues(
  image: RgbImage,
  preprocessor: Preprocessor,
  pixelValues: Float32Array,
  offset = 0,
): void {
  const { width, height, rgb } = image;
  const area = width * height;
  for (let channel = 0; channel < 3; channel++) {
    const valueOf = channelTable(preprocessor, channel);
    const plane = pixelValues.subarray(offset + channel * area, offset + (channel + 1) * area);
    for (let i = 0; i < area; i++) plane[i] = valueOf[rgb[i * 3 + channel]!]!;
  }
}

/** [256] what each byte becomes. */
function channelTable({ rescaleFactor, normalize }: Preprocessor, channel: number): Float32Array {
  const mean = Math.fround(normalize?.mean[channel] ?? 0);
  const std = Math.fround(normalize?.std[channel] ?? 1);
  return Float32Array.from({ length: 256 }, (_, byte) => {
    const scaled = Math.fround(byte * (rescaleFactor ?? 1));
    return Math.fround(scaled - mean) / std;
  });
}

/** [3, height, width] of one image, whatever its size. */
export function preprocessImage(
  image: RgbImage,
  preprocessor: Preprocessor,
): { readonly pixelValues: Float32Array; readonly width: number; readonly height: number } {
  const fitted = fitImage(image, preprocessor);
  const pixelValues = new Float32Array(fitted.width * fitted.height * 3);
  writePixelValues(fitted, preprocessor, pixelValues);
  return { pixelValues, width: fitted.width, height: fitted.height };
}
