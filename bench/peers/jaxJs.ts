import * as jax from '@jax-js/jax';
import type { Contestant } from '../contest.ts';
import { noise } from '../numbers.ts';

/**
 * jax-js's jitted matmul on WebGPU. Asking for the products' buffers submits them (jax-js drops what nobody asks for);
 * synchronised by onSubmittedWorkDone of its device.
 */
export async function jaxJs(): Promise<Contestant> {
  const devices = await jax.init('webgpu');
  if (!devices.includes('webgpu')) throw new Error('jax-js found no WebGPU');
  jax.defaultDevice('webgpu');
  const forward = jax.jit((x, weight) => jax.numpy.matmul(x, weight.transpose()));
  const backward = jax.jit((dy, weight) => jax.numpy.matmul(dy, weight));
  return {
    name: 'jax-js',

    async prepare({ direction, rows, inFeatures, outFeatures }, left) {
      const weight = noise(outFeatures * inFeatures, 5);
      const isForward = direction === 'forward';
      const a = jax.numpy.array(left, { shape: [rows, isForward ? inFeatures : outFeatures] });
      const b = jax.numpy.array(weight, { shape: [outFeatures, inFeatures] });
      let products: jax.Array[] = [];
      return {
        weight,
        async run(repeats) {
          for (const product of products) product.dispose();
          products = Array.from({ length: repeats }, () => (isForward ? forward : backward)(a.ref, b.ref));
          await Promise.all(products.map((product) => product.ref.gpuBuffer()));
          await jax.getWebGPUDevice().queue.onSubmittedWorkDone();
        },
        result: async () => (await products[0]?.ref.data()) ?? new Float32Array(),
        free() {
          for (const array of [a, b, ...products]) array.dispose();
        },
      };
    },
  };
}
