import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createImageDecoder } from './decodeImage.ts';
import type { RgbImage } from './rgbImage.ts';

type ReadJpeg = (bytes: ArrayBuffer) => Promise<RgbImage>;

/** libjpeg-turbo as WebAssembly, which gives the pixels that Pillow and browsers give. */
async function loadJpegReader(): Promise<ReadJpeg> {
  const [{ default: decode, init }, wasm] = await Promise.all([
    import('@jsquash/jpeg/decode.js'),
    readFile(createRequire(import.meta.url).resolve('@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm')),
  ]);
  const module = await WebAssembly.compile(wasm);
  const complaints: string[] = [];
  const options = {
    instantiateWasm(imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void) {
      const instance = new WebAssembly.Instance(module, imports);
      done(instance);
      return instance.exports;
    },
    printErr: (line: string) => complaints.push(line),
  };
  await init(options);
  return async (bytes) => {
    complaints.length = 0;
    const image = await decode(bytes, { preserveOrientation: true }).catch(() => undefined);
    // a file that is cut short decodes, with grey in place of the rest; lesser complaints are let pass, as Pillow does
    const cutShort = complaints.find((line) => line.startsWith('Premature end'));
    if (!image || cutShort !== undefined) throw new Error(cutShort ?? complaints[0] ?? 'it is damaged');
    const { width, height, data } = image;
    const rgb = new Uint8Array(width * height * 3);
    for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) rgb.set(data.subarray(from, from + 3), to);
    return { width, height, rgb };
  };
}

let jpegReader: Promise<ReadJpeg> | undefined;
/** One image at a time: the decoder's complaints do not say which image they are about. */
let lastDecoded: Promise<unknown> = Promise.resolve();

function decodeJpeg(bytes: Uint8Array<ArrayBuffer>): Promise<RgbImage> {
  const whole = bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer;
  const decoded = lastDecoded.then(async () => {
    jpegReader ??= loadJpegReader();
    return (await jpegReader)(whole);
  });
  lastDecoded = decoded.catch(() => undefined);
  return decoded;
}

/** PNG and JPEG. */
export const decodeImageInNode = createImageDecoder({ JPEG: decodeJpeg });
