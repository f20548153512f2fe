import type { ModuleInfo } from './family.ts';

/** x [.., inFeatures] → [.., outFeatures] */
export function linear(path: string, inFeatures: number, outFeatures: number, hasBias = true): ModuleInfo {
  return { path, kind: 'linear', hasBias, inFeatures, outFeatures };
}

/** A linear whose weight files hold as [inFeatures, outFeatures]: Transformers' Conv1D. */
export function conv1d(path: string, inFeatures: number, outFeatures: number): ModuleInfo {
  return { ...linear(path, inFeatures, outFeatures), isConv1d: true };
}

/** LayerNorm, with its bias, or RMSNorm. */
export function norm(path: string, width: number, hasBias = true): ModuleInfo {
  return { path, kind: 'norm', hasBias, inFeatures: width, outFeatures: width };
}

/** A table of vectors, looked up by id. */
export function table(path: string, rows: number, width: number): ModuleInfo {
  return { path, kind: 'embedding', hasBias: false, inFeatures: rows, outFeatures: width };
}

/** Paths of the layers by their number, an encoder's before a decoder's. */
export function layerPaths(modules: readonly ModuleInfo[]): string[] {
  return [...new Set(modules.flatMap(({ path }) => layerPath(path) ?? []))];
}

/** 'model.layers.3.mlp.up_proj' → 'model.layers.3'; undefined outside the layers. */
export function layerPath(path: string): string | undefined {
  return /^.+?\.\d+(?=\.)/.exec(path)?.[0];
}
