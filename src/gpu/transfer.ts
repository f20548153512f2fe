import type { Wait } from './device.ts';
import type { BufferRange } from './kernel.ts';

/** Reads a range back to the CPU. Waits for the GPU: never within a training step. */
export async function readBack(
  device: GPUDevice,
  range: BufferRange,
  wait: Wait = (promise) => promise,
): Promise<ArrayBuffer> {
  const size = Math.ceil(range.size / 4) * 4;
  const staging = device.createBuffer({
    label: 'read back',
    size,
    usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
  });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(range.buffer, range.offset, staging, 0, size);
  device.queue.submit([encoder.finish()]);
  await wait(staging.mapAsync(GPUMapMode.READ));
  const bytes = staging.getMappedRange().slice(0, range.size);
  staging.unmap();
  staging.destroy();
  return bytes;
}

/** Writes bytes into a range from its start. */
export function upload(device: GPUDevice, range: BufferRange, data: ArrayBufferView<ArrayBuffer>): void {
  device.queue.writeBuffer(range.buffer, range.offset, data.buffer, data.byteOffset, data.byteLength);
}
