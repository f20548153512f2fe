/** One round of mixing of 32 bits (Wellons' lowbias32): every output bit depends on every input bit. */
function mix(value: number): number {
  let bits = value | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad);
  bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97);
  return (bits ^ (bits >>> 15)) >>> 0;
}

/**
 * A counter-based generator: the n-th number of a stream is a function of (seed, stream, n) alone, so that any epoch can be
 * drawn without drawing those before it. The numbers are 32 bits wide.
 */
export function createRandomNumbers(seed: number, stream: number): () => number {
  const low = mix(seed >>> 0);
  const key = mix(low ^ mix((Math.floor(seed / 2 ** 32) ^ Math.imul(stream, 0x9e3779b9)) >>> 0));
  let counter = 0;
  return () => mix(key ^ mix(counter++ + low));
}

/** [0, length) in an order drawn from (seed, stream): Fisher and Yates' shuffle, each swap unbiased. */
export function permutation(length: number, seed: number, stream: number): Uint32Array {
  const next = createRandomNumbers(seed, stream);
  const order = Uint32Array.from({ length }, (_, i) => i);
  for (let last = length - 1; last > 0; last--) {
    const other = below(last + 1, next);
    const swapped = order[last]!;
    order[last] = order[other]!;
    order[other] = swapped;
  }
  return order;
}

/** A number under `limit`, every one as likely: draws above the largest multiple of it are drawn again. */
function below(limit: number, next: () => number): number {
  const fair = 2 ** 32 - (2 ** 32 % limit);
  let drawn = next();
  while (drawn >= fair) drawn = next();
  return drawn % limit;
}
