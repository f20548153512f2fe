import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ShaderSources } from './shaderSources.ts';

/** Reads every kernel from the repository's shaders/ folder. */
export function shaderSourcesFromDisk(): ShaderSources {
  const root = fileURLToPath(new URL('../../shaders/', import.meta.url));
  const sources: Record<string, string> = {};
  for (const path of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    if (path.endsWith('.wgsl')) sources[path.replaceAll('\\', '/').slice(0, -5)] = readFileSync(root + path, 'utf8');
  }
  return sources;
}
