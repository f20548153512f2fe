import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { memorySource } from '../../formats/byteSource.ts';
import type { FileSet } from '../../formats/byteSource.ts';
import { fixedLabels } from '../labels.ts';
import { buildImageDataset } from './imageDataset.ts';
import { holdsImages, readImageFiles } from './imageFiles.ts';
import { ImagePixels } from './imagePixels.ts';
import { decodeImageInNode } from './nodeImages.ts';
import { preprocessImage } from './preprocess.ts';
import { readPreprocessor } from './preprocessor.ts';

const bytesOf = (file: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(readFileSync(new URL(`../../../tests/fixtures/images/${file}`, import.meta.url)));
const png = bytesOf('rgb.png');
const jpeg = bytesOf('baseline420.jpg');

function folder(files: Record<string, Uint8Array | string>): FileSet {
  const encode = (content: Uint8Array | string) =>
    typeof content === 'string' ? new TextEncoder().encode(content) : content;
  return new Map(Object.entries(files).map(([path, content]) => [path, memorySource(encode(content), path)]));
}

describe('a folder of images', () => {
  it('has a folder a class; classes and images come in order of their names', async () => {
    const files = folder({
      'set/pear/2.png': png,
      'set/pear/10.png': png,
      'set/apple/x.JPG': jpeg,
      'set/.DS_Store': 'x',
    });
    expect(holdsImages(files)).toBe(true);
    const { train, evaluation, problems } = await readImageFiles(files);
    expect(train.map(({ path, label }) => [path, label])).toEqual([
      ['apple/x.JPG', 'apple'],
      ['pear/10.png', 'pear'],
      ['pear/2.png', 'pear'],
    ]);
    expect([evaluation, problems]).toEqual([undefined, []]);
  });

  it('may be parted in train and validation', async () => {
    const files = { 'train/a/1.png': png, 'train/b/1.png': png, 'validation/b/2.png': png, 'test/a/3.png': png };
    const { train, evaluation, problems } = await readImageFiles(folder(files));
    expect(train.map(({ path }) => path)).toEqual(['train/a/1.png', 'train/b/1.png']);
    expect(evaluation?.map(({ path }) => path)).toEqual(['validation/b/2.png']);
    expect(problems).toEqual([{ where: 'test/', message: expect.stringContaining('validation/') }]);
    await expect(readImageFiles(folder({ 'val/a/1.png': png, 'test/a/2.png': png }))).rejects.toThrow('under train/');
  });

  it('a class may be called train', async () => {
    const { train } = await readImageFiles(folder({ 'bus/1.png': png, 'train/1.png': png }));
    expect(train.map(({ label }) => label)).toEqual(['bus', 'train']);
  });

  it('keeps the name of a class that is alone', async () => {
    const { train } = await readImageFiles(folder({ 'set/bus/1.png': png, 'set/bus/2.png': png }));
    expect(train.map(({ path, label }) => [path, label])).toEqual([
      ['1.png', 'bus'],
      ['2.png', 'bus'],
    ]);
  });

  it('may have one metadata.jsonl above its parts, or one in each', async () => {
    const images = { 'train/1.png': png, 'test/2.png': png };
    const above = '{"file_name":"train/1.png","label":0}\n{"file_name":"test/2.png","label":1}';
    const within = {
      'train/metadata.jsonl': '{"file_name":"1.png","label":0}',
      'test/metadata.jsonl': '{"file_name":"2.png","label":1}',
    };
    for (const files of [
      { ...images, 'metadata.jsonl': above },
      { ...images, ...within },
    ]) {
      const { train, evaluation, problems } = await readImageFiles(folder(files));
      expect([train[0]?.label, evaluation?.[0]?.label, problems]).toEqual([0, 1, []]);
    }
  });

  it('or has a metadata.jsonl, whose order counts', async () => {
    const lines = [
      '{"file_name":"b.png","label":"pear"}',
      '{"file_name":"in/a.png","label":["apple"]}',
      '{"file_name":"lost.png","label":0}',
      '{"label":0}',
      'x',
    ];
    const files = folder({ 'metadata.jsonl': lines.join('\n'), 'b.png': png, 'in/a.png': png, 'c.png': png });
    const { train, problems } = await readImageFiles(files);
    expect(train.map(({ path, label }) => [path, label])).toEqual([
      ['b.png', 'pear'],
      ['in/a.png', ['apple']],
    ]);
    const told = problems.map(({ where, message }) => `${where} ${message}`);
    expect(told).toContain('metadata.jsonl line 3 names lost.png, which is not there.');
    expect(told).toContain('metadata.jsonl line 4 has no file_name.');
    expect(told).toContain('c.png has no line in metadata.jsonl.');
    expect(told.some((line) => line.startsWith('metadata.jsonl line 5 is not valid JSON'))).toBe(true);
  });

  it('without labels is refused, with what to do', async () => {
    await expect(readImageFiles(folder({ '1.png': png }))).rejects.toThrow(/1\.png.*named for its label/);
    await expect(readImageFiles(folder({ 'metadata.jsonl': '' }))).rejects.toThrow('There are no images');
  });
});

describe('a data set of images', () => {
  const preprocessor = readPreprocessor({ size: { height: 4, width: 6 } });
  const pixels = () => new ImagePixels(decodeImageInNode, preprocessor, { height: 4, width: 6 });

  it('leaves out what does not decode, by name, and counts labels', async () => {
    const { train } = await readImageFiles(folder({ 'a/1.png': png, 'a/bad.png': 'no image', 'b/2.jpg': jpeg }));
    const { rows, labels, report } = await buildImageDataset(train, pixels());
    expect(rows.map(({ path, target }) => [path, target])).toEqual([
      ['a/1.png', { kind: 'class', classId: 0 }],
      ['b/2.jpg', { kind: 'class', classId: 1 }],
    ]);
    expect(labels.id2label).toEqual({ 0: 'a', 1: 'b' });
    expect(report.labels.counts.map(({ count }) => count)).toEqual([1, 1]);
    expect(report.problems).toEqual([
      { where: 'a/bad.png', message: expect.stringContaining('a/bad.png is no image') },
    ]);
  });

  it('takes the labels of the images trained on', async () => {
    const { train } = await readImageFiles(folder({ 'a/1.png': png, 'b/2.png': png }));
    const { labels } = await buildImageDataset(train, pixels());
    const further = await readImageFiles(folder({ 'b/1.png': png, 'c/1.png': png }));
    await expect(buildImageDataset(further.train, pixels(), fixedLabels(labels))).rejects.toThrow('"c" at c/1.png');
  });

  it('becomes pixel values, one image behind the other', async () => {
    const { train } = await readImageFiles(folder({ 'a/1.png': png, 'b/2.jpg': jpeg }));
    const reader = pixels();
    const { rows } = await buildImageDataset(train, reader);
    const pixelValues = new Float32Array(2 * 72);
    for (const [index, { source }] of rows.entries()) await reader.writeValues(source, pixelValues, index * 72);
    const [first, second] = await Promise.all(
      [png, jpeg].map(async (bytes) => preprocessImage(await decodeImageInNode(bytes, ''), preprocessor)),
    );
    expect([...pixelValues]).toEqual([...first!.pixelValues, ...second!.pixelValues]);
  });

  it('has one size, that of the model', async () => {
    const { train } = await readImageFiles(folder({ 'a/1.png': png, 'b/2.png': png }));
    const whole = new ImagePixels(decodeImageInNode, readPreprocessor({ do_resize: false }), { height: 4, width: 6 });
    await expect(buildImageDataset(train, whole)).rejects.toThrow('a/1.png comes out 26 × 19 pixels');
  });
});
