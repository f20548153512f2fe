import { describe, expect, it } from 'vitest';
import { OutOfGpuMemory } from '../gpu/memory.ts';
import { UserError } from '../formats/errors.ts';
import { TensorTooLarge } from '../graph/plan.ts';
import { StorageFull } from '../storage/errors.ts';
import { DeviceLost, describeError } from './errors.ts';
import { RunControl, RunStopped } from './runControl.ts';
import { RunDiverged } from './trainingRun.ts';

describe('RunControl', () => {
  it('holds at the gate while paused, and counts the time', async () => {
    const control = new RunControl();
    await control.gate();
    control.pause();
    let isThrough = false;
    const waiting = control.gate().then(() => (isThrough = true));
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(isThrough).toBe(false);
    control.unpause();
    await waiting;
    expect(isThrough).toBe(true);
    expect(control.secondsPaused).toBeGreaterThan(0);
  });

  it('stops what waits and what comes, and tells what listens', async () => {
    const control = new RunControl();
    control.pause();
    const waiting = control.gate();
    control.stop();
    await expect(waiting).rejects.toThrow(RunStopped);
    await expect(control.gate()).rejects.toThrow(RunStopped);
    expect(control.signal.reason).toBeInstanceOf(RunStopped);
  });
});

describe('describeError', () => {
  it.each([
    [new UserError('r: 0 does not work.'), 'bad-input'],
    [new OutOfGpuMemory('The GPU has no room.'), 'out-of-memory'],
    [new TensorTooLarge('attention works on too much.'), 'out-of-memory'],
    [DeviceLost.of({ message: 'reset' }), 'device-lost'],
    [new RunDiverged(3, 'loss'), 'diverged'],
    [new StorageFull('There is no room.'), 'storage-full'],
    [new RunStopped(), 'cancelled'],
    [new Error('a defect'), 'internal'],
    ['no error at all', 'internal'],
  ])('gives %s the code %s', (thrown, code) => {
    expect(describeError(thrown).code).toBe(code);
  });

  it('says what helps where memory is short', () => {
    expect(describeError(new TensorTooLarge('x is too large.')).message).toMatch(
      /^x is too large\. Shorten .*batch size/,
    );
  });

  it('knows an error that came over a worker’s border by its name alone', () => {
    expect(describeError(Object.assign(new Error('gone'), { name: 'DeviceLost' }))).toEqual({
      code: 'device-lost',
      message: 'gone',
    });
  });
});
