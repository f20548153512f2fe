import { openGpu } from '../../src/gpu/device.ts';
import { shaderSourcesFromBundle } from '../../src/gpu/shaderSources.browser.ts';
import { compete, type Outcome } from '../contest.ts';
import { graft } from '../graft.ts';
import { jaxJs } from '../peers/jaxJs.ts';
import { onnxRuntime } from '../peers/onnxRuntime.ts';
import { tensorFlow } from '../peers/tensorFlow.ts';
import type { Product } from '../shapes.ts';

/** What the page offers to the process that opened it. */
export interface BenchmarkPage {
  readonly device: string;
  compete(product: Product, rounds: number): Promise<Outcome>;
}

declare global {
  interface Window {
    benchmark: Promise<BenchmarkPage>;
  }
}

async function open(): Promise<BenchmarkPage> {
  const gpu = await openGpu(navigator.gpu, shaderSourcesFromBundle());
  const ours = (['f32', 'q8_0', 'q4_0', 'q4_1'] as const).map((format) => graft(gpu, format));
  const contestants = [...ours, await jaxJs(), onnxRuntime(), await tensorFlow()];
  return {
    device: gpu.description.name,
    compete: (product, rounds) => compete(product, contestants, rounds),
  };
}

window.benchmark = open();
