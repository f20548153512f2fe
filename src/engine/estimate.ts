import { planGraph } from '../graph/plan.ts';
import { parameterBytes, stepParameterBytes } from '../graph/program.ts';
import { sizeOf } from '../graph/tensor.ts';
import type { ModelDescription } from '../models/family.ts';
import type { WeightCatalog } from '../models/builder.ts';
import { fedBytes, loweringContext, type Traced } from '../models/runtime.ts';
import { stagingBytes } from '../models/stagingBytes.ts';
import { unreadTensors } from '../models/unreadTensors.ts';
import { weightBytes } from '../models/weightStore.ts';
import type { Adapter } from '../peft/method.ts';
import { layOutAdapter } from '../peft/parameterSpace.ts';
import { trainedParameters } from '../peft/parameters.ts';
import { ParameterGroups } from '../train/parameterGroups.ts';
import type { TrainingSettings } from '../train/settings.ts';
import { lossShape, traceLoss } from '../train/traceLoss.ts';
import { traceOptimizer } from '../train/traceOptimizer.ts';

export interface EstimateInput {
  readonly description: ModelDescription;
  readonly catalog: WeightCatalog;
  readonly adapter: Adapter;
  readonly settings: TrainingSettings;
  /** tokens of the longest batch's rows, a multiple of the bucket */
  readonly tokens: number;
  /** tokens of the longest target, of a decoder beside an encoder */
  readonly decoderTokens?: number;
  /** most target tokens in a micro-batch */
  readonly labelled: number;
  readonly evaluates: boolean;
  readonly positions: number;
  /** linears are quantised while they are loaded */
  readonly quantises: boolean;
  readonly device: { readonly bindingLimit: number; readonly maxBufferSize: number; readonly isSoftware: boolean };
}

export type EstimatedBytes = Readonly<
  Record<
    'weights' | 'adapters' | 'gradients' | 'optimizer' | 'activations' | 'inputs' | 'staging' | 'parameters',
    number
  >
>;

/** WebGPU's default minUniformBufferOffsetAlignment, which most devices have. */
const uniformAlignment = 256;

/** Bytes through which a run's figures are read back. */
const stepStaging = 2048;

/** The bytes that a run will allocate on the GPU, from the plans that it will use. Nothing is allocated. */
export function estimateBytes(input: EstimateInput): EstimatedBytes {
  const { description, catalog, adapter, settings, device } = input;
  const { trained, fixed } = layOutAdapter(adapter.parameters, device.bindingLimit);
  const space = trained.size * 4;
  const rows = lossShape(settings.batchSize, input.tokens, input.labelled, description.outputSize, device.bindingLimit);
  const shape = { ...rows, decoderTokens: input.decoderTokens };
  const model = { description, catalog, adapter: adapter.hooks, positions: input.positions };
  const modes = input.evaluates ? [true, false] : [true];
  const losses = modes.map((gradients) =>
    traceLoss(model, shape, { gradients, checkpointing: settings.gradientCheckpointing }),
  );
  const groups = new ParameterGroups(trained, settings, 0).count;
  const plans = [...losses, { graph: traceOptimizer(trained, groups, adapter), outputs: [] }].map(
    ({ graph, outputs }: Traced) => planGraph(graph, outputs, loweringContext(device), device.maxBufferSize),
  );
  const arenas = Math.max(...plans.map((plan) => plan.bufferSizes.length));
  let activations = 0;
  for (let i = 0; i < arenas; i++) activations += Math.max(...plans.map((plan) => plan.bufferSizes[i] ?? 0));
  const unread = unreadTensors(description, adapter.hooks);
  const inputs = fedBytes(plans);
  // what weights pass through on loading is free again before anything is there that only steps need
  const loading = input.quantises ? stagingBytes({ catalog, description }, device.bindingLimit, unread) : 0;
  return {
    weights: weightBytes({ catalog, description }, input.positions, unread),
    adapters: space + (fixed.slots.length > 0 ? fixed.size * 4 : 0),
    gradients: space,
    optimizer: 2 * space,
    activations,
    inputs,
    parameters: plans.reduce((sum, plan) => sum + parameterBytes(plan, uniformAlignment), stepParameterBytes),
    staging: Math.max(stepStaging, loading - activations - inputs),
  };
}

export function totalBytes(bytes: EstimatedBytes): number {
  return Object.values(bytes).reduce((sum, part) => sum + part, 0);
}

/** Elements of the parameters that are trained, and of the model. */
export function parameterCounts(description: ModelDescription, adapter: Adapter): { trainable: number; total: number } {
  const trainable = trainedParameters(adapter.parameters).reduce((sum, spec) => sum + sizeOf(spec.shape), 0);
  return { trainable, total: modelParameters(description) };
}

export function modelParameters(description: ModelDescription): number {
  let total = 0;
  for (const { path, kind, inFeatures, outFeatures, hasBias } of description.modules) {
    if (path === description.headPath && description.tieWordEmbeddings) continue;
    total += (kind === 'norm' ? outFeatures : inFeatures * outFeatures) + (hasBias ? outFeatures : 0);
  }
  for (const shape of description.bareTensors?.values() ?? []) total += sizeOf(shape);
  return total;
}
