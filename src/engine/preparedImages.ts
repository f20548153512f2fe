import type { DataReport } from '../data/dataset.ts';
import type { EncodedRow } from '../data/encodeRow.ts';
import type { DecodeImage } from '../data/images/decodeImage.ts';
import { buildImageDataset, type ImageDataset } from '../data/images/imageDataset.ts';
import { readImageFiles, type ImageFile, type ImageProblem } from '../data/images/imageFiles.ts';
import { ImagePixels } from '../data/images/imagePixels.ts';
import { readPreprocessor } from '../data/images/preprocessor.ts';
import { fixedLabels } from '../data/labels.ts';
import type { DataProblem } from '../data/records.ts';
import type { ByteSource, FileSet } from '../formats/byteSource.ts';
import { UserError } from '../formats/errors.ts';
import type { LoadedModel } from './loadedModel.ts';
import type { EncodingTarget, PreparedData } from './preparedData.ts';

type OnImages = (done: number, total: number) => void;

/**
 * Reads a folder of images and decodes each once, so that one that does not decode is reported before the run and left out. Rows of a
 * folder for validation beside those to learn from are the evaluation's.
 */
export async function prepareImages(
  name: string,
  files: FileSet,
  target: EncodingTarget,
  decode: DecodeImage,
  onProgress?: OnImages,
): Promise<{ data: PreparedData; evaluation?: PreparedData }> {
  const pixels = pixelsFor(target.model, decode);
  const found = await readImageFiles(files);
  const prepare = async (part: string, images: readonly ImageFile[], labels = target.labels) =>
    imageData(part, await buildImageDataset(images, pixels, labels, onProgress), pixels);
  const learned = await prepare(name, found.train);
  const data = { ...learned, problems: [...found.problems.map(problemOf), ...learned.problems] };
  const [first] = found.evaluation ?? [];
  if (!found.evaluation || !first || !data.labels) return { data };
  const part = first.path.slice(0, first.path.indexOf('/'));
  return { data, evaluation: await prepare(part, found.evaluation, fixedLabels(data.labels)) };
}

/** An image without a label, for asking the model about it. */
export async function prepareImage(model: LoadedModel, source: ByteSource, decode: DecodeImage): Promise<EncodedRow> {
  const pixels = pixelsFor(model, decode);
  await pixels.fitted(source);
  return imageRow(source, pixels, { kind: 'class', classId: 0 });
}

function pixelsFor({ checkpoint }: LoadedModel, decode: DecodeImage): ImagePixels {
  const { image } = checkpoint.description;
  if (!image)
    throw new UserError('This model reads text, not images. Give it a file of rows, or open a model of images.');
  return new ImagePixels(decode, readPreprocessor(checkpoint.preprocessorConfig, image.height), image);
}

function imageData(name: string, { rows, labels, report }: ImageDataset, pixels: ImagePixels): PreparedData {
  const dataReport: DataReport = {
    rows: rows.length,
    tokens: rows.length,
    learnedTokens: rows.length,
    shareLearned: 1,
    cutRows: [],
    problems: [],
    lengths: { binWidth: 1, counts: [] },
    longest: 1,
    labels: report.labels,
  };
  const encoded = rows.map(({ source, target }) => imageRow(source, pixels, target));
  const images = rows.map(({ path, source }) => ({ path, source }));
  return {
    name,
    records: [],
    images,
    rows: encoded,
    report: dataReport,
    labels,
    problems: report.problems.map(problemOf),
  };
}

/** An image has a path, not a number in its file: the message names it. */
function problemOf({ where, message }: ImageProblem, index: number): DataProblem {
  const place = { unit: 'image', number: index + 1 } as const;
  return { place, message: message.includes(where) ? message : `${where} ${message}` };
}

function imageRow(source: ByteSource, pixels: ImagePixels, target: EncodedRow['target']): EncodedRow {
  const image = {
    ...pixels.size,
    writeValues: (values: Float32Array, offset: number) => pixels.writeValues(source, values, offset),
  };
  return { ids: new Uint32Array(1), labels: new Int32Array(1).fill(-100), cut: false, target, image };
}
