import { link } from 'wesl/core';
import type { KernelSpec } from './kernel.ts';

/** Every WGSL file under shaders/, by its path without ending. Read from disk in Node, bundled in the browser. */
export type ShaderSources = Readonly<Record<string, string>>;

/** Links a kernel's modules into one WGSL text. Throws with the module's name when a part is missing. */
export async function linkKernel(sources: ShaderSources, spec: KernelSpec): Promise<string> {
  const modules: Record<string, string> = {};
  for (const [path, text] of Object.entries(sources)) modules[`${path}.wgsl`] = text;
  for (const [alias, path] of Object.entries(spec.plugins ?? {})) {
    const text = sources[path];
    if (text === undefined) throw new Error(`Kernel ${spec.module} plugs in ${path}, which is not under shaders/.`);
    modules[`${alias}.wgsl`] = text;
  }
  if (modules[`${spec.module}.wgsl`] === undefined) throw new Error(`There is no kernel shaders/${spec.module}.wgsl.`);
  const linked = await link({
    weslSrc: modules,
    rootModuleName: `${spec.module}.wgsl`,
    conditions: { ...spec.conditions },
    constants: { ...spec.constants },
    sourceMap: false,
    keepComments: false,
  });
  return linked.dest;
}

export type BindingAccess = 'uniform' | 'read' | 'read_write';

const bindingPattern = /@group\(0\)\s*@binding\((\d+)\)\s*var<\s*(uniform|storage)\s*(?:,\s*(read_write|read)\s*)?>/g;

/** The access of each binding as the WGSL declares it: the one source for the bind group layout, so the two cannot differ. */
export function bindingsOf(wgsl: string): Map<number, BindingAccess> {
  const bindings = new Map<number, BindingAccess>();
  for (const [, number, space, access] of wgsl.matchAll(bindingPattern)) {
    bindings.set(Number(number), space === 'uniform' ? 'uniform' : access === 'read_write' ? 'read_write' : 'read');
  }
  return bindings;
}
