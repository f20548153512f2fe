import { UserError } from '../../formats/errors.ts';
import { decodePng } from './decodePng.ts';
import type { RgbImage } from './rgbImage.ts';

export type Decode = (bytes: Uint8Array<ArrayBuffer>) => Promise<RgbImage>;

/** The formats that are not read alike everywhere: by the browser itself, or by a decoder for Node. */
export interface PlatformDecoders {
  readonly JPEG: Decode;
  /** absent where it is not read */
  readonly WebP?: Decode;
}

/** An image file → its pixels, upright. Throws a UserError that names the file and says why it is none. */
export type DecodeImage = (bytes: Uint8Array<ArrayBuffer>, name: string) => Promise<RgbImage>;

/** Decodes by what the file begins with, not by its name. PNG is read alike everywhere, to the byte. */
export function createImageDecoder(platform: PlatformDecoders): DecodeImage {
  const decoders: Readonly<Record<string, Decode | undefined>> = { ...platform, PNG: decodePng };
  const readable = Object.keys(decoders).sort().join(', ');
  return async (bytes, name) => {
    const format = formatOf(bytes);
    const decode = format === undefined ? undefined : decoders[format];
    if (!decode) {
      const what = bytes.length === 0 ? 'empty' : format === undefined ? 'no image that is known' : `a ${format} image`;
      throw new UserError(`${name} is ${what}. ${readable} are read: save it as one of these, or take it out.`);
    }
    try {
      const image = await decode(bytes);
      if (image.width > 0 && image.height > 0) return image;
    } catch (cause) {
      throw new UserError(`${name} does not decode as ${format} (${detailOf(cause)}). Save it again, or take it out.`, {
        cause,
      });
    }
    throw new UserError(`${name} has no pixels. Save it again, or take it out.`);
  };
}

/** By the first bytes. */
const signatures: readonly (readonly [format: string, pattern: RegExp])[] = [
  ['PNG', /^\x89PNG\r\n/],
  ['JPEG', /^\xff\xd8\xff/],
  ['WebP', /^RIFF[^]{4}WEBP/],
  ['GIF', /^GIF8/],
  ['BMP', /^BM/],
  ['TIFF', /^(II\*\0|MM\0\*)/],
  ['HEIF or AVIF', /^[^]{4}ftyp/],
];

function formatOf(bytes: Uint8Array): string | undefined {
  const head = String.fromCharCode(...bytes.subarray(0, 16));
  return signatures.find(([, pattern]) => pattern.test(head))?.[0];
}

function detailOf(cause: unknown): string {
  return cause instanceof Error ? cause.message.replace(/[.:]$/, '') : String(cause);
}
