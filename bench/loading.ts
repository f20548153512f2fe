// The ways in which a weight's bytes come from a file to the GPU, and how fast each is.
import type { Gpu } from '../src/gpu/device.ts';
import { awqTensor } from '../src/formats/awq.ts';
import { eightBitTensor, fourBitTensor } from '../src/formats/bitsandbytes.ts';
import { bitsandbytesSpecs, bitsandbytesTensors } from '../src/formats/bitsandbytesWriter.ts';
import { memorySource } from '../src/formats/byteSource.ts';
import { gptqTensor } from '../src/formats/gptq.ts';
import type { TensorEntry } from '../src/formats/tensorEntry.ts';
import { neededShapes, type Checkpoint, type CheckpointTensor } from '../src/models/checkpoint.ts';
import { describeModel } from '../src/models/registry.ts';
import { WeightStore } from '../src/models/weightStore.ts';
import type { BlockFormatName } from '../src/quant/format.ts';
import { floatToHalf } from '../src/quant/half.ts';
import type { PackedTensor } from '../src/quant/packed.ts';
import { quantised, type Quantisation } from '../src/quant/quantise.ts';
import { formatLabel, weightFormats } from '../src/quant/registry.ts';
import { sleepUntil } from './nodeGpu.ts';
import { noise, weightBytes } from './numbers.ts';

/** Rows and columns of each of the linears of a layer. */
const width = 1536;
const linears = 7;

/** One layer of square linears, and next to nothing beside them. */
const config = {
  model_type: 'llama',
  architectures: ['LlamaForCausalLM'],
  ...{ vocab_size: 32, hidden_size: width, intermediate_size: width, num_hidden_layers: 1 },
  ...{ num_attention_heads: width / 64, num_key_value_heads: width / 64, tie_word_embeddings: true },
};

/** How linears lie in files and what they become. */
export interface Loading {
  readonly name: string;
  /** of all linears of the model */
  readonly fileBytes: number;
  readonly weights: number;
  readonly tensor: CheckpointTensor;
}

/** Milliseconds that it takes to load a model of such linears. */
export async function load(gpu: Gpu, { tensor }: Loading): Promise<number> {
  const description = describeModel(config);
  const isLinear = (name: string) => name.includes('_proj.');
  const tensors = new Map(
    [...neededShapes(description)].map(([name, shape]) => [name, isLinear(name) ? tensor : blocks('f32', shape)]),
  );
  const checkpoint: Checkpoint = {
    ...{ name: 'benchmark', kind: 'folder', description, config, generationConfig: undefined, tensors },
    ...{ catalog: new Map(), tokenizer: { kind: 'files', files: {} }, files: new Map() },
  };
  const store = new WeightStore(gpu);
  const start = performance.now();
  await store.load(checkpoint, 1);
  await sleepUntil(gpu.device.queue.onSubmittedWorkDone());
  const milliseconds = performance.now() - start;
  store.destroy();
  return milliseconds;
}

/** As they lie in a file; quantised by the GPU, and for comparison by the plain reference; as others have quantised them. */
export async function loadings(blockFormats: readonly BlockFormatName[]): Promise<Loading[]> {
  const nf4: Quantisation = { kind: 'nf4', doubleQuant: true };
  const int8: Quantisation = { kind: 'int8', doubleQuant: false };
  return [
    ...blockFormats.map((format) => {
      const tensor = blocks(format, [width, width]);
      return loading(formatLabel(format), tensor, [tensor.entry]);
    }),
    quantisedFrom('f16', nf4, 'GPU'),
    quantisedFrom('f32', nf4, 'GPU'),
    quantisedFrom('f16', int8, 'GPU'),
    quantisedFrom('f16', nf4, 'plain reference'),
    await bitsandbytes('NF4, double quantised, of bitsandbytes', nf4),
    await bitsandbytes('INT8 of bitsandbytes', int8),
    await gptq(4, false),
    await gptq(4, true),
    await gptq(3, false),
    await gptq(8, false),
    awq(),
  ];
}

function entry(name: string, format: TensorEntry['format'], shape: readonly number[], bytes: Uint8Array): TensorEntry {
  return { name, format, shape, source: memorySource(bytes, 'benchmark'), byteOffset: 0, byteLength: bytes.byteLength };
}

function blocks(format: BlockFormatName, shape: readonly number[]) {
  const count = shape.reduce((product, size) => product * size, 1);
  return { entry: entry('weight', format, shape, weightBytes(format, count, 5)), shape, format } as const;
}

function quantisedFrom(format: 'f32' | 'f16', wanted: Quantisation, by: 'GPU' | 'plain reference'): Loading {
  const original = blocks(format, [width, width]);
  const { source, byteLength } = original.entry;
  const rowBytes = byteLength / width;
  const read = async (start: number, count: number) =>
    weightFormats[format].decode(await source.read(start * rowBytes, (start + count) * rowBytes), count * width);
  const packed = quantised({ rows: width, columns: width, read }, wanted);
  const tensor = { ...original, format: packed.format, packed, ...(by === 'GPU' && { original }) };
  const name = `${formatLabel(format)} → ${formatLabel(packed.format)} by the ${by}`;
  return loading(name, tensor, [original.entry]);
}

/** @param parts the tensors of a file that hold one linear */
function loading(name: string, tensor: CheckpointTensor, parts: readonly TensorEntry[]): Loading {
  const bytes = parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
  return { name, fileBytes: linears * bytes, weights: linears * width * width, tensor };
}

function packedLoading(name: string, packed: PackedTensor, parts: readonly [TensorEntry, ...TensorEntry[]]): Loading {
  return loading(name, { entry: parts[0], shape: [width, width], format: packed.format, packed }, parts);
}

async function bitsandbytes(name: string, wanted: Quantisation): Promise<Loading> {
  const floats = noise(width * width, 5);
  const read = (start: number, count: number) => Promise.resolve(floats.slice(start * width, (start + count) * width));
  const made = quantised({ rows: width, columns: width, read }, wanted);
  const bytes = await bitsandbytesTensors('x.weight', made);
  const parts = new Map(
    bitsandbytesSpecs('x.weight', made).map(({ name: part, shape, dtype }) => [
      part,
      entry(part, dtype.toLowerCase() as TensorEntry['format'], shape, bytes.get(part)!),
    ]),
  );
  const part = (suffix: string) => parts.get(`x.${suffix}`)!;
  const tensor =
    wanted.kind === 'int8'
      ? eightBitTensor(part('weight'), part('SCB'))
      : await fourBitTensor({
          ...{ weight: part('weight'), absmax: part('weight.absmax'), quantMap: part('weight.quant_map') },
          quantState: part(`weight.quant_state.bitsandbytes__${wanted.kind}`),
          nestedAbsmax: part('weight.nested_absmax'),
          nestedQuantMap: part('weight.nested_quant_map'),
        });
  return packedLoading(name, tensor, [part('weight'), ...[...parts.values()].slice(1)]);
}

const groupSize = 128;
const groups = width / groupSize;

function words(name: string, rows: number, columns: number): TensorEntry {
  const bits = Int32Array.from(noise(rows * columns, 6), (x) => x * 2 ** 31);
  return entry(name, 'i32', [rows, columns], new Uint8Array(bits.buffer));
}

function scales(): TensorEntry {
  const halves = Uint16Array.from(noise(groups * width, 7), (x) => floatToHalf(x / 8));
  return entry('scales', 'f16', [groups, width], new Uint8Array(halves.buffer));
}

async function gptq(bits: 3 | 4 | 8, isReordered: boolean): Promise<Loading> {
  const parts = {
    qweight: words('qweight', (width * bits) / 32, width),
    qzeros: words('qzeros', groups, (width * bits) / 32),
    scales: scales(),
  };
  const order = Int32Array.from({ length: width }, (_, i) => (i * 7) % groups);
  const gIdx = isReordered ? entry('g_idx', 'i32', [width], new Uint8Array(order.buffer)) : undefined;
  const tensor = await gptqTensor({ ...parts, gIdx }, { bits, groupSize, storesZeroPoints: false });
  const name = `GPTQ, ${bits} bits${isReordered ? ', act-order' : ''}`;
  return packedLoading(name, tensor, [parts.qweight, parts.qzeros, parts.scales, ...(gIdx ? [gIdx] : [])]);
}

function awq(): Loading {
  const parts = {
    qweight: words('qweight', width, width / 8),
    qzeros: words('qzeros', groups, width / 8),
    scales: scales(),
  };
  return packedLoading('AWQ', awqTensor(parts, groupSize), [parts.qweight, parts.qzeros, parts.scales]);
}
