import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Contestant } from '../contest.ts';
import { noise } from '../numbers.ts';

/** TensorFlow.js's matMul on its WebGPU backend. Synchronised by submitting what it recorded and onSubmittedWorkDone of its device. */
export async function tensorFlow(): Promise<Contestant> {
  await import('@tensorflow/tfjs-backend-webgpu');
  if (!(await tf.setBackend('webgpu'))) throw new Error('TensorFlow.js found no WebGPU');
  const backend = tf.backend() as WebGPUBackend;
  return {
    name: 'TensorFlow.js',

    async prepare({ direction, rows, inFeatures, outFeatures }, left) {
      const weight = noise(outFeatures * inFeatures, 5);
      const isForward = direction === 'forward';
      const a = tf.tensor2d(left, [rows, isForward ? inFeatures : outFeatures]);
      const b = tf.tensor2d(weight, [outFeatures, inFeatures]);
      let product: tf.Tensor | undefined;
      return {
        weight,
        async run(repeats) {
          for (let i = 0; i < repeats; i++) {
            product?.dispose();
            product = tf.matMul(a, b, false, isForward);
          }
          if (backend.commandEncoder) {
            backend.endComputePassEncoder();
            backend.submitQueue();
          }
          await backend.device.queue.onSubmittedWorkDone();
        },
        result: async () => (await product?.data()) ?? new Float32Array(),
        free() {
          for (const tensor of [a, b, product]) tensor?.dispose();
        },
      };
    },
  };
}
