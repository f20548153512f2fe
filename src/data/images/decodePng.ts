import type { DecodedPng } from 'fast-png';
import type { RgbImage } from './rgbImage.ts';

/**
 * A PNG as Pillow's convert('RGB') gives it: transparency is dropped, not blended; less than 8 bits are spread over 0 … 255, of 16
 * the upper 8 stay, except in grey images without alpha, where Pillow cuts off what is above 255.
 */
export async function decodePng(bytes: Uint8Array): Promise<RgbImage> {
  const { decode } = await import('fast-png');
  const png = decode(bytes);
  const { width, height } = png;
  return { width, height, rgb: png.palette ? fromPalette(png, png.palette) : fromSamples(png) };
}

function fromPalette(png: DecodedPng, palette: readonly (readonly number[])[]): Uint8Array {
  const rgb = new Uint8Array(png.width * png.height * 3);
  forEachSample(png, (index, at) => rgb.set(palette[index]?.slice(0, 3) ?? [0, 0, 0], at * 3));
  return rgb;
}

function fromSamples(png: DecodedPng): Uint8Array {
  const { width, height, channels } = png;
  const rgb = new Uint8Array(width * height * 3);
  const toByte = byteOf(png);
  const isGrey = channels < 3;
  forEachSample(png, (sample, at) => {
    const pixel = Math.floor(at / channels);
    const channel = at % channels;
    if (isGrey && channel === 0) rgb.fill(toByte(sample), pixel * 3, pixel * 3 + 3);
    else if (!isGrey && channel < 3) rgb[pixel * 3 + channel] = toByte(sample);
  });
  return rgb;
}

function byteOf({ depth, channels }: DecodedPng): (sample: number) => number {
  if (depth === 8) return (sample) => sample;
  if (depth === 16) return channels === 1 ? (sample) => Math.min(255, sample) : (sample) => sample >> 8;
  return (sample) => (sample * 255) / ((1 << depth) - 1);
}

/** Samples in order; those of less than 8 bits lie packed in bytes, each row beginning with a new one. */
function forEachSample(png: DecodedPng, visit: (sample: number, at: number) => void): void {
  const { width, height, channels, depth, data } = png;
  if (depth >= 8) {
    for (let i = 0; i < width * height * channels; i++) visit(data[i] ?? 0, i);
    return;
  }
  const rowBytes = Math.ceil((width * depth) / 8);
  const mask = (1 << depth) - 1;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const bit = x * depth;
      const byte = data[y * rowBytes + (bit >> 3)] ?? 0;
      visit((byte >> (8 - depth - (bit & 7))) & mask, y * width + x);
    }
}
