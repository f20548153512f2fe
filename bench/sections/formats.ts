// What a stored format costs in the kernels, as a multiple of plain floats, and how fast it loads.
import { readArguments, rounds } from '../arguments.ts';
import { compete, type Outcome } from '../contest.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import type { FormatName } from '../../src/quant/format.ts';
import { formatOf } from '../../src/quant/registry.ts';
import { planeBytes } from '../../src/quant/shards.ts';
import { graft, uploadWeight } from '../graft.ts';
import { openBenchmarkGpu, sleepUntil } from '../nodeGpu.ts';
import { products } from '../shapes.ts';
import { printOutcomes, printTable } from '../table.ts';
import { benchmarkWeight } from '../weights.ts';

const common: readonly FormatName[] = [
  'f32',
  'f16',
  'bf16',
  'q8_0',
  'q4_1',
  'q4_k',
  'q6_k',
  'nf4_nested',
  'int8',
  'int4_g128',
];
// prettier-ignore
const rest: readonly FormatName[] = [
  'q4_0', 'q5_0', 'q5_1', 'q2_k', 'q3_k', 'q5_k', 'nf4', 'fp4_nested', 'int4_x128', 'int8_g128', 'int3_g128', 'int2_g128',
];

/** A weight of the size of a large linear. */
const rows = 4096;
const columns = 2048;

function planesBytes(format: FormatName): number {
  return planeBytes(formatOf(format), rows, columns).reduce((sum, bytes) => sum + bytes, 0);
}

/** Megabytes of the planes a second: put in order, and put in order and written to the GPU. */
async function loadingSpeed(gpu: Gpu, format: FormatName): Promise<{ repack: number; load: number }> {
  const weight = benchmarkWeight(format, rows, columns);
  const byteLength = planesBytes(format);
  let [repack, load] = [Infinity, Infinity];
  for (let round = 0; round <= rounds; round++) {
    const start = performance.now();
    await weight.planes([{ rowStart: 0, rowCount: rows }]);
    const between = performance.now();
    const planes = await uploadWeight(gpu, format, weight, rows, columns);
    await sleepUntil(gpu.device.queue.onSubmittedWorkDone());
    repack = Math.min(repack, between - start);
    load = Math.min(load, performance.now() - between);
    for (const { buffer } of planes.flat()) gpu.memory.destroy(buffer);
  }
  const speed = (milliseconds: number) => byteLength / 1e3 / milliseconds;
  return { repack: speed(repack), load: speed(load) };
}

const { all } = readArguments(process.argv.slice(2));
const formats = all ? [...common, ...rest] : common;
const gpu = await openBenchmarkGpu();
const contestants = formats.map((format) => ({ ...graft(gpu, format), blockSize: formatOf(format).blockSize }));
const outcomes: Outcome[] = [];
for (const product of products(all)) {
  const able = contestants.filter(({ blockSize }) => product.inFeatures % blockSize === 0);
  outcomes.push(await compete(product, able, rounds, sleepUntil));
}
printOutcomes(`Node, ${gpu.description.name}`, outcomes);

const speeds: string[][] = [];
for (const format of formats) {
  const { repack, load } = await loadingSpeed(gpu, format);
  const bits = (planesBytes(format) * 8) / (rows * columns);
  const isPlain = formatOf(format).rowGroup === 1;
  speeds.push([format, bits.toFixed(2), isPlain ? 'as it is' : repack.toFixed(0), load.toFixed(0)]);
}
printTable(
  `Loading a weight of ${rows}×${columns}, MB on the GPU a second (nf4, fp4, int8: quantised from f32)`,
  ['', 'bits', 'put in order', 'and uploaded'],
  speeds,
);
process.exit(0);
