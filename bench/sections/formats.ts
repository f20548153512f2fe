// What a stored format costs in the kernels, as a multiple of plain floats, and how fast it loads.
import { readArguments, rounds } from '../arguments.ts';
import { compete, type Outcome } from '../contest.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import type { BlockFormatName } from '../../src/quant/format.ts';
import { weightFormats } from '../../src/quant/registry.ts';
import { graft, uploadWeight } from '../graft.ts';
import { openBenchmarkGpu, sleepUntil } from '../nodeGpu.ts';
import { weightBytes } from '../numbers.ts';
import { products } from '../shapes.ts';
import { printOutcomes, printTable } from '../table.ts';

/** A weight of the size of a large linear. */
const rows = 4096;
const columns = 2048;

/** Megabytes of the file a second: re-ordered into the planes, and re-ordered and written to the GPU. */
async function loadingSpeed(gpu: Gpu, format: BlockFormatName): Promise<{ repack: number; load: number }> {
  const bytes = weightBytes(format, rows * columns, 5);
  let [repack, load] = [Infinity, Infinity];
  for (let round = 0; round <= rounds; round++) {
    const start = performance.now();
    weightFormats[format].repack(bytes, rows, columns);
    const between = performance.now();
    const planes = uploadWeight(gpu, format, bytes, rows, columns);
    await sleepUntil(gpu.device.queue.onSubmittedWorkDone());
    repack = Math.min(repack, between - start);
    load = Math.min(load, performance.now() - between);
    for (const { buffer } of planes.flat()) gpu.memory.destroy(buffer);
  }
  const speed = (milliseconds: number) => bytes.byteLength / 1e3 / milliseconds;
  return { repack: speed(repack), load: speed(load) };
}

const { all } = readArguments(process.argv.slice(2));
const gpu = await openBenchmarkGpu();
const contestants = (['f32', 'f16', 'bf16', 'q8_0', 'q4_0', 'q4_1'] as const).map((format) => graft(gpu, format));
const outcomes: Outcome[] = [];
for (const product of products(all)) outcomes.push(await compete(product, contestants, rounds, sleepUntil));
printOutcomes(`Node, ${gpu.description.name}`, outcomes);

const speeds: string[][] = [];
for (const format of Object.values(weightFormats)) {
  const { repack, load } = await loadingSpeed(gpu, format.name);
  const bits = (format.fileBytesPerBlock * 8) / format.blockSize;
  speeds.push([
    format.name,
    bits.toFixed(1),
    format.planes.length > 1 ? repack.toFixed(0) : 'as it is',
    load.toFixed(0),
  ]);
}
printTable(
  `Loading a weight of ${rows}×${columns}, MB of the file a second`,
  ['', 'bits', 'repack', 'and upload'],
  speeds,
);
process.exit(0);
