import { readdirSync, readFileSync } from 'node:fs';
import type { Gpu } from '../../src/gpu/device.ts';

/** Something whose time is wanted: queues its work on the device. */
export interface Candidate {
  readonly name: string;
  readonly flops: number;
  encode(pass: GPUComputePassEncoder): void;
}

/** The least times of a candidate over all rounds, in seconds. */
export interface Timing {
  readonly name: string;
  readonly flops: number;
  /** from submit to done */
  wall: number;
  /** what the driver's threads worked: little moved by other processes */
  cpu: number;
}

/**
 * Times all candidates, one after another, round after round, so that what else the machine does falls on all alike.
 * The first run of each (where a driver compiles) is not counted.
 */
export async function timeInterleaved(gpu: Gpu, candidates: readonly Candidate[], rounds: number): Promise<Timing[]> {
  const timings = candidates.map(({ name, flops }) => ({ name, flops, wall: Infinity, cpu: Infinity }));
  for (let round = -1; round < rounds; round++) {
    for (const [i, candidate] of candidates.entries()) {
      const timing = timings[i];
      const { wall, cpu } = await timeOnce(gpu, candidate);
      if (!timing || round < 0) continue;
      timing.wall = Math.min(timing.wall, wall);
      // a thread that ended in between takes its time with it
      if (cpu > 0) timing.cpu = Math.min(timing.cpu, cpu);
    }
  }
  return timings;
}

async function timeOnce(gpu: Gpu, candidate: Candidate): Promise<{ wall: number; cpu: number }> {
  const encoder = gpu.device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  candidate.encode(pass);
  pass.end();
  const commands = encoder.finish();
  const cpu = driverSeconds();
  const start = performance.now();
  gpu.device.queue.submit([commands]);
  await gpu.wait(gpu.device.queue.onSubmittedWorkDone());
  const wall = (performance.now() - start) / 1000;
  return { wall, cpu: driverSeconds() - cpu };
}

/** Processor time of all threads of this process but the one that runs JavaScript (Linux; elsewhere not a number). */
function driverSeconds(): number {
  try {
    let nanoseconds = 0;
    for (const thread of readdirSync('/proc/self/task')) {
      if (Number(thread) === process.pid) continue;
      nanoseconds += Number(readFileSync(`/proc/self/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
    }
    return nanoseconds / 1e9;
  } catch {
    return NaN;
  }
}
