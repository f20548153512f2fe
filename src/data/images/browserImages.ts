import { createImageDecoder } from './decodeImage.ts';
import type { RgbImage } from './rgbImage.ts';

/** The browser's own decoders; works in workers. */
async function decode(bytes: Uint8Array<ArrayBuffer>): Promise<RgbImage> {
  // as stored, turned upright by its EXIF orientation
  const bitmap = await createImageBitmap(new Blob([bytes]), {
    premultiplyAlpha: 'none',
    colorSpaceConversion: 'none',
    imageOrientation: 'from-image',
  });
  try {
    const { width, height } = bitmap;
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error('the browser has no canvas to decode it with');
    context.drawImage(bitmap, 0, 0);
    return { width, height, rgb: dropAlpha(context.getImageData(0, 0, width, height).data) };
  } finally {
    bitmap.close();
  }
}

function dropAlpha(rgba: Uint8ClampedArray): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    rgb[to] = rgba[from]!;
    rgb[to + 1] = rgba[from + 1]!;
    rgb[to + 2] = rgba[from + 2]!;
  }
  return rgb;
}

/** PNG, JPEG and WebP. */
export const decodeImageInBrowser = createImageDecoder({ JPEG: decode, WebP: decode });
