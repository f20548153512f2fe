import type { Initial, InitialContext } from '../method.ts';

export function computed(compute: (context: InitialContext) => Promise<Float32Array<ArrayBuffer>>): Initial {
  return { kind: 'computed', compute };
}

/** A and B come from one factorisation. */
export function onlyOnce<T>(compute: (context: InitialContext) => Promise<T>): (context: InitialContext) => Promise<T> {
  let result: Promise<T> | undefined;
  return (context) => (result ??= compute(context));
}
