import type { Grid } from '../../gpu/kernel.ts';

/** Threads of a workgroup in kernels that take one element a thread. */
export const flatWorkgroupSize = 256;

/** WebGPU's guaranteed limit for each dimension of a dispatch. */
const largestDimension = 65535;

/**
 * A grid of at least `threads` threads, over two dimensions where one is too short. The kernel finds its thread by
 * (workgroup.y · workgroups.x + workgroup.x) · workgroupSize + local index, and returns when that is beyond its count.
 */
export function flatGrid(threads: number, workgroupSize: number = flatWorkgroupSize): Grid {
  const groups = Math.max(1, Math.ceil(threads / workgroupSize));
  const rows = Math.ceil(groups / largestDimension);
  return [Math.ceil(groups / rows), rows, 1];
}
