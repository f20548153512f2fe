import { expect, test } from 'vitest';
import { checkNode } from './install.mjs';

test('a Node that is too old is refused with one sentence, a newer one is not', () => {
  for (const version of ['18.20.4', '20.18.3']) expect(() => checkNode(version)).toThrow(/needs Node 20\.19 or newer/);
  for (const version of ['20.19.0', '22.1.0', '24.0.0']) expect(() => checkNode(version)).not.toThrow();
});
