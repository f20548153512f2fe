import type { ByteSource } from '../../formats/byteSource.ts';
import { isUserError, UserError } from '../../formats/errors.ts';
import type { RowTarget } from '../encodedRow.ts';
import { reportLabels } from '../labelReport.ts';
import type { LabelReport } from '../labelReport.ts';
import { resolveLabels } from '../labels.ts';
import type { KnownLabels, LabelMap } from '../labels.ts';
import { yieldToEventLoop } from '../yieldToEventLoop.ts';
import type { ImageFile, ImageProblem } from './imageFiles.ts';
import type { ImagePixels } from './imagePixels.ts';

/** An image that decodes, and what it is to teach. */
export interface ImageRow {
  readonly path: string;
  readonly source: ByteSource;
  readonly target: RowTarget;
}

export interface ImageDataset {
  readonly rows: readonly ImageRow[];
  readonly labels: LabelMap;
  readonly report: ImageReport;
}

export interface ImageReport {
  /** images kept */
  readonly rows: number;
  readonly labels: LabelReport;
  /** images left out: those that do not decode */
  readonly problems: readonly ImageProblem[];
}

/**
 * Decodes every image once, so that one that does not decode is named before a run and not in it. Throws a UserError where none
 * is left or where a label does not fit.
 */
export async function buildImageDataset(
  files: readonly ImageFile[],
  pixels: ImagePixels,
  known?: KnownLabels,
  onProgress?: (decoded: number, total: number) => void,
): Promise<ImageDataset> {
  const scheme = resolveLabels(
    files.map(({ label, path }) => ({ label, where: path })),
    known,
  );
  const rows: ImageRow[] = [];
  const problems: ImageProblem[] = [];
  for (const [index, { path, source, label }] of files.entries()) {
    const fault = await faultOf(source, pixels);
    if (fault !== undefined) problems.push({ where: path, message: fault });
    else rows.push({ path, source, target: scheme.targetOf(label) });
    onProgress?.(index + 1, files.length);
    await yieldToEventLoop();
  }
  if (rows.length === 0) throw new UserError(problems[0]?.message ?? 'The data set has no images. Add some.');
  return { rows, labels: scheme.map, report: { rows: rows.length, labels: reportLabels(rows, scheme.map), problems } };
}

async function faultOf(source: ByteSource, pixels: ImagePixels): Promise<string | undefined> {
  try {
    await pixels.fitted(source);
    return undefined;
  } catch (error) {
    if (isUserError(error)) return error.message;
    throw error;
  }
}
