import { describe, expect, it } from 'vitest';
import type { Dispatch } from './kernel.ts';
import { Submitter } from './submission.ts';

/** A queue that finishes a submit when the test says so, and writes down what was put into each. */
function fakeDevice() {
  const submits: string[][] = [];
  const waiting: (() => void)[] = [];
  let recorded: string[] = [];
  const device = {
    createCommandEncoder: () => {
      recorded = [];
      return {
        beginComputePass: () => ({
          setPipeline: (pipeline: unknown) => recorded.push(String(pipeline)),
          setBindGroup: () => undefined,
          dispatchWorkgroups: () => undefined,
          end: () => undefined,
        }),
        finish: () => recorded,
      };
    },
    queue: {
      submit: ([commands]: [string[]]) => submits.push(commands),
      onSubmittedWorkDone: () => new Promise<void>((resolve) => waiting.push(resolve)),
    },
  } as unknown as GPUDevice;
  return { device, submits, finishOne: () => waiting.shift()?.() };
}

const dispatch = (name: string, flops: number): Dispatch =>
  ({ label: name, pipeline: name, bindGroup: {}, grid: [1, 1, 1], flops }) as unknown as Dispatch;

const settle = () => new Promise((resolve) => setTimeout(resolve));

/** At first a software device is taken to do 2e6 operations a millisecond, and a submit is to take 80 ms. */
const aSubmit = 2e6 * 80;

describe('Submitter', () => {
  it('keeps the order and cuts where a submit would take too long', async () => {
    const { device, submits } = fakeDevice();
    const submitter = new Submitter(device, true);
    await submitter.replay(['a', 'b', 'c', 'd'].map((name) => dispatch(name, aSubmit / 2)));
    expect(submits).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
    await submitter.replay([]);
    expect(submits).toHaveLength(2);
  });

  it('puts many small dispatches into one submit, and one that is too large by itself into its own', async () => {
    const { device, submits } = fakeDevice();
    const submitter = new Submitter(device, true);
    await submitter.replay([
      dispatch('huge', 10 * aSubmit),
      ...Array.from({ length: 100 }, () => dispatch('small', 1)),
    ]);
    expect(submits.map((names) => names.length)).toEqual([1, 100]);
  });

  it('has at most two submits under way', async () => {
    const { device, submits, finishOne } = fakeDevice();
    const submitter = new Submitter(device, true);
    const done = submitter.replay(['a', 'b', 'c', 'd'].map((name) => dispatch(name, aSubmit)));
    await settle();
    expect(submits).toHaveLength(2);
    finishOne();
    await settle();
    expect(submits).toHaveLength(3);
    finishOne();
    await done;
    expect(submits).toHaveLength(4);
  });

  it('waits at the gate before each submit, and stops where the gate throws', async () => {
    const { device, submits } = fakeDevice();
    const submitter = new Submitter(device, true);
    let open: () => void = () => undefined;
    submitter.gate = () => new Promise<void>((resolve) => (open = resolve));
    const paused = submitter.replay([dispatch('a', 1)]);
    await settle();
    expect(submits).toHaveLength(0);
    open();
    await paused;
    expect(submits).toHaveLength(1);
    submitter.gate = () => Promise.reject(new Error('stopped'));
    await expect(submitter.replay([dispatch('b', 1)])).rejects.toThrow('stopped');
    expect(submits).toHaveLength(1);
  });

  it('never leaves a list half done that must stand whole', async () => {
    const { device, submits, finishOne } = fakeDevice();
    const submitter = new Submitter(device, true);
    let asked = 0;
    submitter.gate = () => {
      if (++asked > 1) throw new Error('stopped');
    };
    const done = submitter.replay(
      ['a', 'b', 'c'].map((name) => dispatch(name, aSubmit)),
      true,
    );
    await settle();
    finishOne();
    await done;
    expect(submits.flat()).toEqual(['a', 'b', 'c']);
    finishOne();
    await expect(submitter.replay([dispatch('d', 1)], true)).rejects.toThrow('stopped');
  });
});
