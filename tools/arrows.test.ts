import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { doors, findForbiddenImports } from './arrows.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'arrows-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function plant(files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

const leaf = 'export const value = 1;\nexport type Value = number;\n';

test('imports along the arrows pass', async () => {
  plant({
    'src/gpu/device.ts': leaf,
    'src/formats/errors.ts': leaf,
    'src/graph/tensor.ts': "import { value } from '../gpu/device.ts';\nexport const twice = value;\n",
    'src/peft/lora.ts': "export { twice } from '../graph/tensor.ts';\nexport { value } from '../formats/errors.ts';\n",
  });
  expect(await findForbiddenImports(root)).toEqual([]);
});

test('an import against the arrows is found, also of a type alone or at run time', async () => {
  plant({
    'src/models/llama.ts': leaf,
    'src/graph/plain.ts': "import { value } from '../models/llama.ts';\nexport const copy = value;\n",
    'src/graph/typed.ts': "import type { Value } from '../models/llama.ts';\nexport const copy: Value = 1;\n",
    'src/graph/lazy.ts': "export const load = () => import('../models/llama.ts');\n",
  });
  const found = await findForbiddenImports(root);
  expect(found.map((line) => line.split(':')[0]).sort()).toEqual([
    'src/graph/lazy.ts → src/models/llama.ts',
    'src/graph/plain.ts → src/models/llama.ts',
    'src/graph/typed.ts → src/models/llama.ts',
  ]);
});

test('gpu may not even import the shared error', async () => {
  plant({ 'src/formats/errors.ts': leaf, 'src/gpu/device.ts': "export { value } from '../formats/errors.ts';\n" });
  expect(await findForbiddenImports(root)).toEqual([
    expect.stringContaining('src/gpu/device.ts → src/formats/errors.ts'),
  ]);
});

test('what ships may not lean on tests, and only files named for Node use its modules', async () => {
  plant({
    'tests/helper.ts': leaf,
    'src/train/trainer.ts': "export { value } from '../../tests/helper.ts';\n",
    'src/train/trainer.test.ts': "export { value } from '../../tests/helper.ts';\n",
    'src/formats/files.ts': "export { readFile } from 'node:fs/promises';\n",
    'src/formats/nodeFiles.ts': "export { readFile } from 'node:fs/promises';\n",
  });
  expect((await findForbiddenImports(root)).map((line) => line.split(' → ')[0]).sort()).toEqual([
    'src/formats/files.ts',
    'src/train/trainer.ts',
  ]);
});

test('a circle at run time is found, one of types alone is not', async () => {
  plant({
    'src/data/a.ts': "import { b } from './b.ts';\nexport const a = () => b;\n",
    'src/data/b.ts': "import { a } from './a.ts';\nexport const b = () => a;\n",
    'src/data/c.ts': "import type { D } from './d.ts';\nexport type C = D | 1;\n",
    'src/data/d.ts': "import type { C } from './c.ts';\nexport type D = C | 2;\n",
  });
  const found = await findForbiddenImports(root);
  expect(found.length).toBeGreaterThan(0);
  expect(found.every((line) => /src\/data\/[ab]\.ts → src\/data\/[ab]\.ts/.test(line))).toBe(true);
});

test('a room without a line in the table is found', async () => {
  plant({ 'src/gpu/device.ts': leaf, 'src/attic/box.ts': leaf });
  expect(await findForbiddenImports(root)).toEqual([expect.stringContaining('src/attic')]);
});

test('the table itself has no circle', () => {
  const reaches = (from: string, to: string): boolean =>
    (doors[from] ?? []).some((next) => next === to || reaches(next, to));
  expect(Object.keys(doors).filter((room) => reaches(room, room))).toEqual([]);
});
