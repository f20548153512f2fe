import { describe, expect, it } from 'vitest';
import { filesOfDrop } from './files.ts';

function fileEntry(fullPath: string): FileSystemEntry {
  const file = (resolve: (file: Blob) => void): void => resolve(new Blob([fullPath]));
  return { isFile: true, isDirectory: false, fullPath, file } as unknown as FileSystemEntry;
}

/** Answers in portions, as browsers do. */
function folderEntry(fullPath: string, portions: FileSystemEntry[][]): FileSystemEntry {
  const createReader = () => {
    const left = [...portions];
    return { readEntries: (resolve: (some: FileSystemEntry[]) => void) => resolve(left.shift() ?? []) };
  };
  return { isFile: false, isDirectory: true, fullPath, createReader } as unknown as FileSystemEntry;
}

describe('filesOfDrop', () => {
  it('walks folders to the bottom and past the first portion', async () => {
    const folder = folderEntry('/model', [
      [fileEntry('/model/config.json'), folderEntry('/model/onnx', [[fileEntry('/model/onnx/a.onnx')]])],
      [fileEntry('/model/model.safetensors')],
    ]);
    const items = [{ webkitGetAsEntry: () => folder }] as unknown as DataTransferItemList;
    const found = await filesOfDrop({ items, files: [] as unknown as FileList });
    expect(found.map(({ path }) => path)).toEqual([
      'model/config.json',
      'model/onnx/a.onnx',
      'model/model.safetensors',
    ]);
  });

  it('takes plain files where the browser gives no entries', async () => {
    const file = new File(['{}'], 'data.jsonl');
    const items = [{ webkitGetAsEntry: () => null }] as unknown as DataTransferItemList;
    const found = await filesOfDrop({ items, files: [file] as unknown as FileList });
    expect(found).toEqual([{ path: 'data.jsonl', blob: file }]);
  });
});
