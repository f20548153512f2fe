import type { ByteSource, FileSet } from '../../formats/byteSource.ts';
import { UserError } from '../../formats/errors.ts';
import { stripCommonFolder } from '../../formats/fileSet.ts';
import { readMetadata } from './metadata.ts';
import type { RowLabel } from '../records.ts';

/** An image and what it is labelled with. */
export interface ImageFile {
  /** within the data set */
  readonly path: string;
  readonly source: ByteSource;
  readonly label: RowLabel;
}

/** An image, or a line of metadata.jsonl, that was left out, and why. */
export interface ImageProblem {
  /** the path of the image, or the place in metadata.jsonl */
  readonly where: string;
  readonly message: string;
}

export interface ImageFiles {
  readonly train: readonly ImageFile[];
  /** images of a folder beside train/ that are only measured */
  readonly evaluation: readonly ImageFile[] | undefined;
  readonly problems: readonly ImageProblem[];
}

/** What may be an image; those that are not read are named, not passed over. */
const imageName = /\.(png|jpe?g|jfif|webp|gif|bmp|tiff?|avif|heic)$/i;
const metadataName = 'metadata.jsonl';

/** Folders beside train/ whose images are measured; the first that is there is taken. */
const evaluationFolders = ['validation', 'valid', 'val', 'dev', 'eval', 'evaluation', 'test', 'testing'];
const splitFolders: readonly string[] = ['train', 'training', ...evaluationFolders];

/** True where a set of files is one of images. */
export function holdsImages(files: FileSet): boolean {
  return [...files.keys()].some(isImage);
}

function isImage(path: string): boolean {
  return imageName.test(path) && !path.split('/').some((part) => part.startsWith('.') || part === '__MACOSX');
}

/**
 * Recognises a data set of images, as `datasets`' imagefolder does: metadata.jsonl of {"file_name","label"} beside the images,
 * or a folder for each class, whose name is the label. Folders train/ and validation/ (or test/) above part it in two.
 * Classes come in order of their names, images of a class in order of theirs. Throws a UserError where no image has a label.
 */
export async function readImageFiles(files: FileSet): Promise<ImageFiles> {
  const tree = treeOf(files);
  if (tree.images.length === 0)
    throw new UserError('There are no images. Give each class a folder of PNG or JPEG files, or add a metadata.jsonl.');
  const problems: ImageProblem[] = [];
  const tops = [...new Set(tree.images.map(({ path }) => topFolder(path)))];
  if (!tops.every((top) => splitFolders.includes(top.toLowerCase())))
    return { train: await labelled(tree, '', problems), evaluation: undefined, problems };
  const folders = (names: readonly string[]): string[] =>
    names.flatMap((name) => tops.filter((top) => top.toLowerCase() === name));
  const [trained] = folders(['train', 'training']);
  const [measured, ...others] = folders(evaluationFolders);
  if (trained === undefined)
    throw new UserError(`There are images under ${measured}/ but none under train/ to learn from.`);
  for (const other of others)
    problems.push({ where: `${other}/`, message: `is left out: ${measured}/ is what the model is measured on.` });
  return {
    train: await labelled(tree, `${trained}/`, problems),
    evaluation: measured === undefined ? undefined : await labelled(tree, `${measured}/`, problems),
    problems,
  };
}

/** The files without the folders that all share, which the parent of an image may be one of. */
interface ImageTree {
  readonly files: FileSet;
  readonly images: readonly {
    readonly path: string;
    readonly source: ByteSource;
    readonly parent: string | undefined;
  }[];
}

function treeOf(files: FileSet): ImageTree {
  const original = [...files.keys()];
  const stripped = stripCommonFolder(files);
  const images = [...stripped].map(([path, source], i) => ({ path, source, parent: original[i]?.split('/').at(-2) }));
  return { files: stripped, images: images.filter(({ path }) => isImage(path)) };
}

function topFolder(path: string): string {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : '';
}

/** The images of one part; `folder` is '' or ends with a slash. */
async function labelled(tree: ImageTree, folder: string, problems: ImageProblem[]): Promise<ImageFile[]> {
  const images = tree.images.filter(({ path }) => path.startsWith(folder));
  // one metadata.jsonl for all, or one in the folder of each part
  const own = tree.files.get(folder + metadataName);
  const metadata = own ?? tree.files.get(metadataName);
  const found = metadata
    ? await byMetadata(metadata, own ? folder : '', folder, images, problems)
    : byFolder(folder, images, problems);
  if (found.length > 0) return found;
  const first = problems[0] ?? { where: metadataName, message: 'names none.' };
  throw new UserError(`No image has a label. The first, ${first.where}, ${first.message}`);
}

function byFolder(folder: string, images: ImageTree['images'], problems: ImageProblem[]): ImageFile[] {
  const found: { path: string; source: ByteSource; label: string }[] = [];
  for (const { path, source, parent } of images) {
    const isLoose = !path.slice(folder.length).includes('/');
    if (parent !== undefined && !(isLoose && splitFolders.includes(parent.toLowerCase())))
      found.push({ path, source, label: parent });
    else
      problems.push({
        where: path,
        message: 'lies in no folder of a class. Put it in one that is named for its label.',
      });
  }
  return found.sort((a, b) => compare(a.label, b.label) || compare(a.path, b.path));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** @param base the folder that file names are relative to */
async function byMetadata(
  metadata: ByteSource,
  base: string,
  folder: string,
  images: ImageTree['images'],
  problems: ImageProblem[],
): Promise<ImageFile[]> {
  const sources = new Map(images.map(({ path, source }) => [path, source]));
  const found = new Map<string, ImageFile>();
  for (const { fileName, label, where } of await readMetadata(metadata, problems)) {
    const path = base + fileName;
    if (!path.startsWith(folder)) continue;
    const source = sources.get(path);
    if (source) found.set(path, { path, source, label });
    else problems.push({ where, message: `names ${fileName}, which is not there.` });
  }
  for (const path of sources.keys())
    if (!found.has(path)) problems.push({ where: path, message: `has no line in ${metadata.name}.` });
  return [...found.values()];
}
