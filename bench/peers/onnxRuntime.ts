import { env, InferenceSession, Tensor } from 'onnxruntime-web/webgpu';
import { readBack } from '../../src/gpu/transfer.ts';
import type { Contestant } from '../contest.ts';
import { noise } from '../numbers.ts';
import { extents } from '../shapes.ts';
import { gemmModel } from './onnxModel.ts';

/**
 * onnxruntime-web's Gemm on its WebGPU provider, operands and result in GPU buffers of its device. Synchronised by
 * onSubmittedWorkDone of that device.
 */
export function onnxRuntime(): Contestant {
  env.wasm.numThreads = 1;
  return {
    name: 'onnxruntime-web',

    async prepare(product, left) {
      const { direction, rows, inFeatures, outFeatures } = product;
      const { depth, columns } = extents(product);
      const weight = noise(outFeatures * inFeatures, 5);
      const dims = { left: [rows, depth], weight: [outFeatures, inFeatures], result: [rows, columns] };
      const model = gemmModel(dims.left, dims.weight, dims.result, direction === 'forward');
      const session = await InferenceSession.create(model, { executionProviders: ['webgpu'] });
      const device = await env.webgpu.device;
      const buffers = {
        left: bufferOf(device, left.byteLength, left),
        weight: bufferOf(device, weight.byteLength, weight),
        result: bufferOf(device, rows * columns * 4),
      };
      const tensor = (name: keyof typeof dims) =>
        Tensor.fromGpuBuffer(buffers[name], { dataType: 'float32', dims: dims[name] });
      const feeds = { left: tensor('left'), weight: tensor('weight') };
      const fetches = { result: tensor('result') };
      return {
        weight,
        async run(repeats) {
          for (let i = 0; i < repeats; i++) await session.run(feeds, fetches);
          await device.queue.onSubmittedWorkDone();
        },
        async result() {
          const { result: buffer } = buffers;
          return new Float32Array(await readBack(device, { buffer, offset: 0, size: buffer.size }));
        },
        free() {
          for (const buffer of Object.values(buffers)) buffer.destroy();
          void session.release();
        },
      };
    },
  };
}

function bufferOf(device: GPUDevice, size: number, data?: Float32Array<ArrayBuffer>): GPUBuffer {
  const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
  const buffer = device.createBuffer({ size, usage: STORAGE | COPY_SRC | COPY_DST });
  if (data) device.queue.writeBuffer(buffer, 0, data);
  return buffer;
}
