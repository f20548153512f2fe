import { checkResult, noise } from './numbers.ts';
import { extents, type Product } from './shapes.ts';

/** A product whose operands lie on the GPU. */
export interface Prepared {
  /** what the left operand is multiplied by, [outFeatures, inFeatures] */
  readonly weight: Float32Array;
  /** Computes the product `repeats` times; resolves when the GPU is done with them all. Nothing is uploaded or read back. */
  run(repeats: number): Promise<void>;
  result(): Promise<Float32Array>;
  free(): void;
}

/** A library, or one of our kernels. */
export interface Contestant {
  readonly name: string;
  prepare(product: Product, left: Float32Array<ArrayBuffer>): Promise<Prepared>;
}

export interface Outcome {
  readonly product: Product;
  /** least milliseconds of one product, by contestant; in the contestants' order */
  readonly milliseconds: Readonly<Record<string, number>>;
}

/** A measurement repeats the product until it takes about this long, so that waiting for the GPU is a small part of it. */
const batchMilliseconds = 40;
const mostRepeats = 16;
/** Short products get more rounds than asked for, up to four times as many, until this much time has gone by. */
const contestMilliseconds = 3000;

/**
 * Times the contestants one after another, round after round, so that what else the machine does falls on all alike, and keeps
 * the least time of each, over at least `rounds`. Before that each computes the product once, which compiles its kernels, and the result is checked.
 */
export async function compete(
  product: Product,
  contestants: readonly Contestant[],
  rounds: number,
  wait: (work: Promise<void>) => Promise<void> = (work) => work,
): Promise<Outcome> {
  const left = noise(product.rows * extents(product).depth, 3);
  const entries: { name: string; prepared: Prepared; least: number }[] = [];
  try {
    for (const { name, prepare } of contestants) {
      const prepared = await prepare(product, left);
      entries.push({ name, prepared, least: Infinity });
      await wait(prepared.run(1));
      checkResult(name, product, left, prepared.weight, await prepared.result());
    }
    const enough = performance.now() + contestMilliseconds;
    for (let round = 0; round < rounds || (round < 4 * rounds && performance.now() < enough); round++)
      for (const entry of entries) {
        const wanted = Number.isFinite(entry.least) ? Math.round(batchMilliseconds / entry.least) : 1;
        const repeats = Math.min(mostRepeats, Math.max(1, wanted));
        const start = performance.now();
        await wait(entry.prepared.run(repeats));
        entry.least = Math.min(entry.least, (performance.now() - start) / repeats);
      }
  } finally {
    for (const { prepared } of entries) prepared.free();
  }
  return { product, milliseconds: Object.fromEntries(entries.map(({ name, least }) => [name, least])) };
}
