// Prints the adapter that Dawn gives in this process as one line of JSON; exits with 1 when it gives none.
import { create } from 'webgpu';

const gpu = create([]);
const adapter = await gpu.requestAdapter();
const device = await adapter?.requestDevice();
if (device) {
  const { vendor, device: name, description } = adapter.info;
  console.log(JSON.stringify({ vendor, device: name, description }));
  device.destroy();
}
// Dawn keeps threads alive, and aborts when its entry object is collected: hold it to the end and leave explicitly.
globalThis.heldGpu = gpu;
process.exit(device ? 0 : 1);
