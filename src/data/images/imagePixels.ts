import type { ByteSource } from '../../formats/byteSource.ts';
import { UserError } from '../../formats/errors.ts';
import type { DecodeImage } from './decodeImage.ts';
import { fitImage, writePixelValues } from './preprocess.ts';
import type { Preprocessor } from './preprocessor.ts';
import type { RgbImage } from './rgbImage.ts';

/** Decoded images that are kept; beyond, they are decoded anew each time. */
const keptBytes = 256 << 20;

/** Image files as a model takes them. The first that are read stay in memory, so that most data sets are decoded once. */
export class ImagePixels {
  readonly #kept = new Map<ByteSource, RgbImage>();
  #bytes = 0;

  /** @param size what the model takes; an image that the preprocessor leaves at another size is refused */
  constructor(
    private readonly decode: DecodeImage,
    private readonly preprocessor: Preprocessor,
    readonly size: { readonly height: number; readonly width: number },
  ) {}

  /** The image at the size of the model. Throws a UserError that names the file where it does not decode or fit. */
  async fitted(source: ByteSource): Promise<RgbImage> {
    const known = this.#kept.get(source);
    if (known) return known;
    const decoded = await this.decode(await source.read(0, source.size), source.name);
    const fitted = fitImage(decoded, this.preprocessor);
    const { height, width } = this.size;
    if (fitted.height !== height || fitted.width !== width)
      throw new UserError(
        `${source.name} comes out ${fitted.width} × ${fitted.height} pixels, but the model takes ${width} × ${height}. Correct size or crop_size in preprocessor_config.json.`,
      );
    if (this.#bytes + fitted.rgb.length <= keptBytes && !this.#kept.has(source)) {
      this.#kept.set(source, fitted);
      this.#bytes += fitted.rgb.length;
    }
    return fitted;
  }

  /** Writes [3, height, width] at `offset`. */
  async writeValues(source: ByteSource, pixelValues: Float32Array, offset: number): Promise<void> {
    writePixelValues(await this.fitted(source), this.preprocessor, pixelValues, offset);
  }
}
