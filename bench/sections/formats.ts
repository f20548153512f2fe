// What a stored format costs in the kernels, as a multiple of plain floats, and how fast it loads.
import { readArguments, rounds } from '../arguments.ts';
import { compete, type Outcome } from '../contest.ts';
import type { FormatName } from '../../src/quant/format.ts';
import { formatOf, isWeightFormat } from '../../src/quant/registry.ts';
import { graft } from '../graft.ts';
import { load, loadings } from '../loading.ts';
import { openBenchmarkGpu, sleepUntil } from '../nodeGpu.ts';
import { products } from '../shapes.ts';
import { printOutcomes, printTable } from '../table.ts';

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

const ways = await loadings(formats.filter(isWeightFormat));
const least = ways.map(() => Infinity);
for (let round = 0; round <= rounds; round++)
  for (const [i, way] of ways.entries()) least[i] = Math.min(least[i]!, await load(gpu, way));
printTable(
  'Loading a model, MB of its files and millions of its weights a second',
  ['', 'bits in the file', 'MB/s', 'weights/s'],
  ways.map(({ name, fileBytes, weights }, i) => {
    const perSecond = (count: number) => (count / least[i]! / 1e3).toFixed(0);
    return [name, ((fileBytes * 8) / weights).toFixed(2), perSecond(fileBytes), perSecond(weights)];
  }),
);
process.exit(0);
