import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../formats/errors.ts';
import { decodeImageInNode } from './nodeImages.ts';
import { preprocessImage } from './preprocess.ts';
import { readPreprocessor } from './preprocessor.ts';
import { resize, resamplings } from './resize.ts';
import type { RgbImage } from './rgbImage.ts';

interface Fixture {
  decoded: Record<string, { width: number; height: number; rgb: string }>;
  resized: { file: string; width: number; height: number; resample: number; rgb: string }[];
  preprocessed: { file: string; config: object; width: number; height: number; pixelValues: string }[];
}

const folder = new URL('../../../tests/fixtures/images/', import.meta.url);
const bytesOf = (file: string): Uint8Array<ArrayBuffer> => new Uint8Array(readFileSync(new URL(file, folder)));
const fixture = JSON.parse(readFileSync(new URL('images.json', folder), 'utf8')) as Fixture;
const fromBase64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));
const decode = (file: string): Promise<RgbImage> => decodeImageInNode(bytesOf(file), file);

it.each(Object.keys(fixture.decoded))('%s has the pixels that Pillow finds', async (file) => {
  const { width, height, rgb } = fixture.decoded[file]!;
  expect(await decode(file)).toEqual({ width, height, rgb: fromBase64(rgb) });
});

describe.each(resamplings)('resizing, %s', (resampling) => {
  const cases = fixture.resized.filter(({ resample }) => resamplings[resample] === resampling);

  it.each(cases.map((entry) => [entry.width, entry.height, entry] as const))(
    "to %i × %i is Pillow's, to the byte",
    async (width, height, { file, rgb }) => {
      expect(resize(await decode(file), width, height, resampling)).toEqual({ width, height, rgb: fromBase64(rgb) });
    },
  );
});

it.each(fixture.preprocessed.map((entry) => [JSON.stringify(entry.config), entry] as const))(
  "a preprocessor of %s gives ViTImageProcessor's values",
  async (_, { file, config, width, height, pixelValues }) => {
    const theirs = new Float32Array(fromBase64(pixelValues).buffer);
    const ours = preprocessImage(await decode(file), readPreprocessor(config));
    expect([ours.width, ours.height]).toEqual([width, height]);
    expect([...ours.pixelValues]).toEqual([...theirs]);
  },
);

describe('an image that cannot be read is named', () => {
  it.each([
    ['cut.jpg', bytesOf('baseline420.jpg').slice(0, 700), 'cut.jpg does not decode as JPEG (Premature end'],
    ['cut.png', bytesOf('rgb.png').slice(0, 300), 'cut.png does not decode as PNG'],
    ['text.jpg', new TextEncoder().encode('no image'), 'text.jpg is no image that is known. JPEG, PNG are read'],
    ['moving.png', new TextEncoder().encode('GIF89a'), 'moving.png is a GIF image'],
    ['empty.png', new Uint8Array(), 'empty.png is empty'],
  ])('%s', async (name, bytes, message) => {
    const decoding = decodeImageInNode(bytes, name);
    await expect(decoding).rejects.toThrow(UserError);
    await expect(decoding).rejects.toThrow(message);
  });

  it('and those after it decode', async () => {
    const [bad, good] = await Promise.allSettled([
      decodeImageInNode(bytesOf('baseline420.jpg').slice(0, 700), 'cut.jpg'),
      decode('baseline420.jpg'),
    ]);
    expect([bad.status, good.status]).toEqual(['rejected', 'fulfilled']);
  });
});

describe('a preprocessor_config.json', () => {
  it("takes the model's image_size where it names no size", () => {
    expect(readPreprocessor(undefined, 32).resize?.size).toEqual({ height: 32, width: 32 });
    expect(readPreprocessor({ size: 8 }, 32).resize?.size).toEqual({ height: 8, width: 8 });
  });

  it.each([
    [{ size: { longest_edge: 8 } }, 'size is {"longest_edge":8}'],
    [{ resample: 9 }, 'resample is 9'],
    [{ do_pad: true }, 'do_pad asks for a step'],
    [{ image_mean: [0.5, 0.5] }, 'image_mean'],
    [{ image_std: [1, 0, 1] }, 'image_std holds 0'],
    [{ size: { height: 0, width: 8 } }, 'size holds 0'],
  ])('%j is refused', (config, message) => {
    expect(() => readPreprocessor(config)).toThrow(UserError);
    expect(() => readPreprocessor(config)).toThrow(message);
  });
});
