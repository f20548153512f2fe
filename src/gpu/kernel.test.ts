import { describe, expect, it } from 'vitest';
import { kernelKey } from './kernel.ts';
import { shaderSourcesFromDisk } from './shaderSources.node.ts';
import { bindingsOf, linkKernel } from './shaderSources.ts';

const sources = {
  'a/main': `
import package::part::twice;
import constants::width;
@if(WIDE) @group(0) @binding(3) var<storage, read> extra: array<f32>;
@group(0) @binding(0) var<uniform> params: vec4u;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2)
  var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64) fn main() { y[0] = twice(x[0]) * f32(width) + f32(params.x); }
`,
  'one/part': 'fn twice(x: f32) -> f32 { return x + x; }',
};

describe('kernelKey', () => {
  it('is the same for the same kernel, in whatever order its parts are given, and differs with each of them', () => {
    const key = kernelKey({ module: 'm', conditions: { A: true, B: false }, constants: { n: 4 }, plugins: { w: 'q' } });
    expect(
      kernelKey({ module: 'm', plugins: { w: 'q' }, constants: { n: 4 }, conditions: { B: false, A: true } }),
    ).toBe(key);
    const others = [
      { module: 'n', conditions: { A: true, B: false }, constants: { n: 4 }, plugins: { w: 'q' } },
      { module: 'm', conditions: { A: true, B: true }, constants: { n: 4 }, plugins: { w: 'q' } },
      { module: 'm', conditions: { A: true, B: false }, constants: { n: 8 }, plugins: { w: 'q' } },
      { module: 'm', conditions: { A: true, B: false }, constants: { n: 4 }, plugins: { w: 'p' } },
      { module: 'm' },
    ].map(kernelKey);
    expect(new Set([key, ...others]).size).toBe(6);
  });
});

describe('linkKernel', () => {
  const spec = { module: 'a/main', constants: { width: 3 }, plugins: { part: 'one/part' } };

  it('puts plugins, constants and conditions into one text, and the bindings are read from it', async () => {
    const narrow = await linkKernel(sources, { ...spec, conditions: { WIDE: false } });
    expect(narrow).toContain('fn twice');
    expect(narrow).not.toMatch(/import|@if/);
    expect([...bindingsOf(narrow)].sort()).toEqual([
      [0, 'uniform'],
      [1, 'read'],
      [2, 'read_write'],
    ]);
    const wide = await linkKernel(sources, { ...spec, conditions: { WIDE: true } });
    expect(bindingsOf(wide).get(3)).toBe('read');
  });

  it('names the module that is not there', async () => {
    await expect(linkKernel(sources, { module: 'b/main' })).rejects.toThrow('shaders/b/main.wgsl');
    await expect(linkKernel(sources, { ...spec, plugins: { part: 'no/part' } })).rejects.toThrow('no/part');
  });

  it('finds every kernel of the repository under the name that ops give it', () => {
    const names = Object.keys(shaderSourcesFromDisk());
    expect(names).toContain('optimizer/adamw');
    expect(names.every((name) => !name.endsWith('.wgsl') && !name.includes('\\'))).toBe(true);
  });
});
