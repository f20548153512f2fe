import 'fake-indexeddb/auto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, vi } from 'vitest';
import type { Engine, OnRunEvent, RunEvent, RunFields } from '../../src/engine/api.ts';
import { decodeImageInNode } from '../../src/data/images/nodeImages.ts';
import { createStudioEngine } from '../../src/engine/studioEngine.ts';
import { shaderSourcesFromDisk } from '../../src/gpu/shaderSources.node.ts';

const demo = new URL('../../public/demo/', import.meta.url);

interface OpenDevice {
  readonly device: GPUDevice;
  /** tells the page that the device was lost */
  readonly lose: (message: string) => void;
}

/** What the engine needs of a browser, in Node: WebGPU through Dawn, IndexedDB in memory, and the sample's files by fetch. */
export function useBrowser(): { readonly devices: readonly OpenDevice[] } {
  const devices: OpenDevice[] = [];
  beforeAll(() => {
    const dawn = createRequire(import.meta.url)('webgpu') as { create(flags: string[]): GPU; globals: object };
    Object.assign(globalThis, dawn.globals);
    vi.stubGlobal('navigator', { gpu: watched(dawn.create([]), devices) });
    vi.stubGlobal('fetch', (url: string) => Promise.resolve(new Response(readFileSync(fileURLToPath(url)))));
  });
  afterAll(() => {
    for (const { device } of devices) device.destroy();
    vi.unstubAllGlobals();
  });
  return { devices };
}

/** The same WebGPU, but for each device's `lost`, which the test decides. */
function watched(gpu: GPU, devices: OpenDevice[]): GPU {
  const requestAdapter: GPU['requestAdapter'] = async (options) => {
    const adapter = await gpu.requestAdapter(options);
    if (!adapter) return null;
    const requestDevice = adapter.requestDevice.bind(adapter);
    adapter.requestDevice = async (descriptor) => {
      const device = await requestDevice(descriptor);
      let lose: OpenDevice['lose'] = () => undefined;
      const lost = new Promise<GPUDeviceLostInfo>((resolve) => {
        lose = (message) => resolve({ reason: 'unknown', message } as GPUDeviceLostInfo);
      });
      Object.defineProperty(device, 'lost', { value: lost });
      devices.push({ device, lose });
      return device;
    };
    return adapter;
  };
  return { requestAdapter } as GPU;
}

/** An engine as a freshly loaded page has it: whatever stays from an earlier one stays in IndexedDB alone. */
export function openPage(): Engine {
  return createStudioEngine({ shaders: shaderSourcesFromDisk(), sampleUrl: demo.href, decodeImage: decodeImageInNode });
}

export const ignore = (): void => undefined;

/** The built-in sample, with the run's fields set for a few quick steps. */
export async function openSample(engine: Engine, fields: RunFields = {}): Promise<RunFields> {
  const sample = await engine.openSample(ignore);
  return { ...sample.fields, batch_size: 2, max_steps: 6, save_steps: 2, ...fields };
}

/** Collects the events of a run, and does something at the first that fits. */
export function collect(
  events: RunEvent[],
  when: (event: RunEvent) => boolean = () => false,
  act: () => unknown = ignore,
): OnRunEvent {
  let acted = false;
  return (event) => {
    events.push(event);
    if (acted || !when(event)) return;
    acted = true;
    act();
  };
}

export const isStep =
  (step: number) =>
  (event: RunEvent): boolean =>
    event.kind === 'metric' && event.point.loss !== undefined && event.point.step === step;

/** The losses that events or a log tell, by step. */
export function lossesOf(points: readonly { readonly step: number; readonly loss?: number }[]): [number, number][] {
  return points.flatMap(({ step, loss }) => (loss === undefined ? [] : [[step, loss] as [number, number]]));
}

export function pointsOf(events: readonly RunEvent[]) {
  return events.flatMap((event) => (event.kind === 'metric' ? [event.point] : []));
}
