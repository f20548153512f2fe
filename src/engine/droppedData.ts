import { holdsImages } from '../data/images/imageFiles.ts';
import { blobSource, type ByteSource, type FileSet } from '../formats/byteSource.ts';
import { UserError } from '../formats/errors.ts';
import { stripCommonFolder } from '../formats/fileSet.ts';
import { unzipFiles } from '../formats/zip.ts';
import type { ModelFile } from './api.ts';

/** Where evaluation rows lie among the files of a run. No dropped file lies there: names with a dot in front are hidden. */
const evaluationFolder = '.evaluation/';

/** The dropped files by path, whole folders with their names, since a folder may be named for a class; a single zip stands for what is in it. */
export async function filesOfData(dropped: readonly ModelFile[]): Promise<FileSet> {
  const [only] = dropped;
  if (dropped.length === 1 && only?.path.toLowerCase().endsWith('.zip'))
    return unzipFiles(blobSource(only.blob, only.path));
  return new Map(dropped.map(({ path, blob }) => [path, blobSource(blob, path)]));
}

/** Rows to learn from and, where they were opened apart, rows that are only measured. */
export interface DataFiles {
  readonly learned: FileSet;
  readonly measured: FileSet | undefined;
}

/** One set of files, as a run keeps them. */
export function joinFiles({ learned, measured = new Map() }: DataFiles): FileSet {
  return new Map([...learned, ...[...measured].map(([path, source]) => [evaluationFolder + path, source] as const)]);
}

export function partFiles(files: FileSet): DataFiles {
  const [learned, measured] = [new Map<string, ByteSource>(), new Map<string, ByteSource>()];
  for (const [path, source] of files)
    if (path.startsWith(evaluationFolder)) {
      const name = path.slice(evaluationFolder.length);
      measured.set(name, { ...source, name });
    } else learned.set(path, source);
  return { learned, measured: measured.size > 0 ? measured : undefined };
}

/** Without the parts of a folder of images that are not `part`: metadata above them stays. */
export function onlyPart(files: FileSet, part: string): FileSet {
  const within = [...stripCommonFolder(files).keys()];
  return new Map([...files].filter((_, i) => !within[i]?.includes('/') || within[i].startsWith(`${part}/`)));
}

/** Throws a UserError where a model of images is given text, or a model of text images. */
export function refuseOtherKind(files: FileSet, readsImages: boolean): void {
  const [first] = files.keys();
  if (first === undefined) throw new UserError('Nothing was chosen. Choose a file of rows, or a folder of images.');
  if (readsImages === holdsImages(files)) return;
  throw new UserError(
    readsImages
      ? `This model learns from images, and ${first} is none. Choose a folder with a folder of images for each class, or with a metadata.jsonl.`
      : `This model reads text, and ${folderName(files)} holds images. Choose a file of rows, or open a model of images, such as a ViT.`,
  );
}

/** The file of rows among these. A folder may hold it alone. */
export function soleFile(files: FileSet): ByteSource {
  const visible = [...files].filter(([path]) => !path.split('/').some((part) => part.startsWith('.')));
  const [only, ...others] = visible;
  if (!only) throw new UserError('Nothing was chosen. Choose a jsonl, json, csv or txt file.');
  if (others.length > 0) throw new UserError(`${others.length + 1} files were chosen. Choose one file of rows.`);
  return only[1];
}

/** The name of the folder or the file that was dropped, or how many files. */
export function folderName(files: FileSet): string {
  const [first = ''] = files.keys();
  const slash = first.indexOf('/');
  if (slash > 0) return first.slice(0, slash);
  return files.size === 1 ? first : `${files.size} files`;
}
