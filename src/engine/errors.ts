import { isUserError } from '../formats/errors.ts';
import type { EngineError, EngineErrorCode } from './api.ts';

/** The GPU went away: a driver reset, a laptop that changed GPUs, memory that ran out. */
export class DeviceLost extends Error {
  override readonly name = 'DeviceLost';

  /** from what WebGPU tells of it */
  static of({ message }: { readonly message: string }): DeviceLost {
    return new DeviceLost(`The GPU was lost${message ? ` (${message})` : ''}.`);
  }
}

/** By the error's name: classes do not survive a worker's border, names do. */
const codes: Readonly<Record<string, EngineErrorCode>> = {
  GpuUnavailable: 'no-gpu',
  OutOfGpuMemory: 'out-of-memory',
  TensorTooLarge: 'out-of-memory',
  DeviceLost: 'device-lost',
  RunDiverged: 'diverged',
  RunStopped: 'cancelled',
  AbortError: 'cancelled',
  StorageFull: 'storage-full',
};

/** What was thrown, as a sentence for the person and a code for the screen. Plain data, so that it crosses to the page whole. */
export function describeError(thrown: unknown): EngineError {
  if (!(thrown instanceof Error)) return { code: 'internal', message: String(thrown) };
  if (isUserError(thrown)) return { code: 'bad-input', message: thrown.message };
  const code = codes[thrown.name];
  if (code === 'out-of-memory')
    return {
      code,
      message: `${thrown.message} Shorten the longest row, switch "Save memory" on, lower the batch size, or take a smaller model.`,
    };
  return { code: code ?? 'internal', message: thrown.message };
}
