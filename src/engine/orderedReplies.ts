type Method = (...args: never[]) => Promise<unknown>;

/**
 * Makes a method answer only when the functions it was given have been heard out. Across a worker they and the answer take separate
 * ports, whose messages may overtake each other: the page would then see "the run is over" before its last figures. Each port keeps
 * its own order, so that the last call of each function is enough to wait for.
 */
export function answerAfterCallbacks(method: Method): (...args: unknown[]) => Promise<unknown> {
  return async (...args) => {
    const lastCalls = new Map<unknown, unknown>();
    const heard = args.map((arg) =>
      typeof arg === 'function'
        ? (...sent: unknown[]) => void lastCalls.set(arg, (arg as (...sent: unknown[]) => unknown)(...sent))
        : arg,
    );
    try {
      return await method(...(heard as never[]));
    } finally {
      await Promise.allSettled(lastCalls.values());
    }
  };
}
