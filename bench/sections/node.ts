// Graft's kernels against TensorFlow.js in one process over Dawn.
import { readArguments, rounds } from '../arguments.ts';
import { compete, type Outcome } from '../contest.ts';
import { graft } from '../graft.ts';
import { openBenchmarkGpu, provideNavigator, sleepUntil } from '../nodeGpu.ts';
import { tensorFlow } from '../peers/tensorFlow.ts';
import { products } from '../shapes.ts';
import { printOutcomes } from '../table.ts';

const { all } = readArguments(process.argv.slice(2));
const gpu = await openBenchmarkGpu();
provideNavigator();
const ours = (['f32', 'f16', 'q4_0'] as const).map((format) => graft(gpu, format));
const contestants = [...ours, await tensorFlow()];
const outcomes: Outcome[] = [];
for (const product of products(all)) outcomes.push(await compete(product, contestants, rounds, sleepUntil));
printOutcomes(`Node, ${gpu.description.name}`, outcomes);
process.exit(0);
