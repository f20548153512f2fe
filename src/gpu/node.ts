import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { openGpu, GpuUnavailable, type Gpu, type OpenGpuOptions, type Wait } from './device.ts';
import { shaderSourcesFromDisk } from './shaderSources.node.ts';

/** Software drivers in the order they are tried when the machine names none: Mesa's lavapipe, then Chromium's SwiftShader. */
const softwareDrivers = [
  '/usr/share/vulkan/icd.d/lvp_icd.json',
  '/usr/share/vulkan/icd.d/lvp_icd.x86_64.json',
  '/usr/share/vulkan/icd.d/lvp_icd.aarch64.json',
  '/etc/vulkan/icd.d/lvp_icd.json',
  '/usr/lib/chromium/vk_swiftshader_icd.json',
  '/opt/google/chrome/vk_swiftshader_icd.json',
];

interface DawnModule {
  create(flags: string[]): GPU;
  globals: Record<string, unknown>;
}

/** Dawn aborts the process when its entry object is collected, so it is kept for life. */
const kept: GPU[] = [];

/**
 * Dawn in Node turns the event loop without pause while a promise is pending, which takes a core from a software GPU.
 * While somebody waits, each turn therefore sleeps for a millisecond.
 */
function sleepingWait(): Wait {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  let waiting = 0;
  // one chain of turns, however soon the next wait follows: each further one would sleep too
  let isTurning = false;
  const turn = () => {
    isTurning = waiting > 0;
    if (!isTurning) return;
    Atomics.wait(cell, 0, 0, 1);
    setImmediate(turn);
  };
  return async (promise) => {
    waiting++;
    if (!isTurning) {
      isTurning = true;
      setImmediate(turn);
    }
    try {
      return await promise;
    } finally {
      waiting--;
    }
  };
}

function createDawn(): GPU {
  const dawn = createRequire(import.meta.url)('webgpu') as DawnModule;
  Object.assign(globalThis, dawn.globals);
  const gpu = dawn.create([]);
  kept.push(gpu);
  return gpu;
}

/** Opens the machine's GPU through Dawn; without one, and unless VK_ICD_FILENAMES is set, a software driver that works. */
export async function openNodeGpu(options: OpenGpuOptions = {}): Promise<Gpu> {
  const sources = shaderSourcesFromDisk();
  const drivers = process.env['VK_ICD_FILENAMES'] ? [] : softwareDrivers.filter((path) => existsSync(path));
  for (const driver of [undefined, ...drivers]) {
    if (driver) process.env['VK_ICD_FILENAMES'] = driver;
    try {
      return await openGpu(createDawn(), sources, { wait: sleepingWait(), ...options });
    } catch (error) {
      if (!(error instanceof GpuUnavailable)) throw error;
    }
  }
  throw new GpuUnavailable(
    'No GPU and no software Vulkan driver was found; install mesa-vulkan-drivers 25 (Debian bookworm-backports) or name a driver in VK_ICD_FILENAMES.',
  );
}
