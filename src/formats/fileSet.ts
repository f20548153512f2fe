import type { ByteSource, FileSet } from './byteSource.ts';

/** Drops the folder names that all files share: a dropped folder carries its own name in front of every path. */
export function stripCommonFolder(files: FileSet): FileSet {
  const paths = [...files.keys()];
  const first = paths[0]?.split('/').slice(0, -1) ?? [];
  let shared = first.length;
  for (const path of paths) {
    const folders = path.split('/').slice(0, -1);
    let same = 0;
    while (same < shared && folders[same] === first[same]) same++;
    shared = same;
  }
  if (shared === 0) return files;
  const stripped = new Map<string, ByteSource>();
  for (const [path, source] of files) stripped.set(path.split('/').slice(shared).join('/'), source);
  return stripped;
}
