import { proxy, wrap } from 'comlink';
import type { Engine, EngineError, EngineErrorCode } from './api.ts';

/** A call to `describeStorage` goes out at this pace; it doubles as the heartbeat. */
const heartbeatMs = 5_000;
/**
 * So many beats without an answer, and the worker counts as lost: the browser kills a worker that ran out of memory without any
 * event. Counted in beats, not in time, so that a laptop that slept is not taken for a dead worker.
 */
const beatsBeforeLost = 24;

export interface EngineConnection {
  readonly engine: Engine;
  /** Settles when the worker is gone: every call that is under way then fails with the same error. */
  readonly lost: Promise<EngineError>;
}

/**
 * Starts the engine's worker. Every call fails with an EngineError, and only with that.
 * @param sampleUrl folder of the built-in sample, which lies beside the page; the worker is told by its name
 */
export function connectEngine(sampleUrl: string): EngineConnection {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: sampleUrl });
  const engine = wrap<Engine>(worker);
  const lost = watchWorker(worker, async () => {
    await engine.describeStorage();
  });
  const failed = lost.then((error) => Promise.reject(error));
  // Each call races against `failed`; with no call under way nobody listens to it.
  failed.catch(() => undefined);

  /** Functions cross as comlink proxies, all else as plain data. */
  const call = (name: keyof Engine, args: readonly unknown[]): Promise<unknown> => {
    const method = engine[name] as unknown as (...sent: unknown[]) => Promise<unknown>;
    const sent = args.map((arg) => (typeof arg === 'function' ? proxy(arg as () => void) : arg));
    return Promise.race([method(...sent), failed]).catch((error: unknown) => Promise.reject(toEngineError(error)));
  };
  const local = new Proxy({} as Engine, {
    get: (_target, name) =>
      typeof name === 'string' ? (...args: unknown[]) => call(name as keyof Engine, args) : undefined,
  });
  return { engine: local, lost };
}

/** Resolves when the worker reports a fatal error or stops answering. */
function watchWorker(worker: Worker, beat: () => Promise<void>): Promise<EngineError> {
  return new Promise((resolve) => {
    let unanswered = 0;
    const timer = setInterval(() => {
      if (unanswered >= beatsBeforeLost)
        return end('The engine stopped answering, perhaps because this tab ran out of memory.');
      if (unanswered++ > 0) return;
      beat()
        .catch(() => undefined)
        .finally(() => (unanswered = 0));
    }, heartbeatMs);
    const end = (what: string): void => {
      clearInterval(timer);
      worker.terminate();
      resolve({ code: 'internal', message: `${what} Reload the page: a run can be resumed from its last checkpoint.` });
    };
    worker.addEventListener('error', (event) =>
      end(`The engine failed${event.message ? ` (${event.message})` : ' to load'}.`),
    );
  });
}

const codes: ReadonlySet<string> = new Set<EngineErrorCode>([
  'bad-input',
  'no-gpu',
  'out-of-memory',
  'device-lost',
  'diverged',
  'storage-full',
  'cancelled',
  'internal',
]);

/** What was thrown, as the screens show it; a plain Error counts as internal. */
export function toEngineError(thrown: unknown): EngineError {
  if (typeof thrown === 'object' && thrown !== null && 'message' in thrown && typeof thrown.message === 'string') {
    const code =
      'code' in thrown && typeof thrown.code === 'string' && codes.has(thrown.code) ? thrown.code : 'internal';
    return { code: code as EngineErrorCode, message: thrown.message };
  }
  return { code: 'internal', message: String(thrown) };
}
