import type { ShaderSources } from './shaderSources.ts';

/** The kernels as the bundler packed them. */
export function shaderSourcesFromBundle(): ShaderSources {
  const files = import.meta.glob<string>('../../shaders/**/*.wgsl', { query: '?raw', import: 'default', eager: true });
  return Object.fromEntries(
    Object.entries(files).map(([path, text]) => [path.replace('../../shaders/', '').slice(0, -5), text]),
  );
}
