/**
 * Numbers for initial weights. One stream for each (seed, name): xoshiro128** (Blackman & Vigna) seeded through splitmix32, so that
 * a parameter starts the same whatever else is trained beside it.
 */
function stream(seed: number, name: string): () => number {
  let mixed = seed >>> 0;
  for (let i = 0; i < name.length; i++) mixed = Math.imul(mixed ^ name.charCodeAt(i), 0x01000193) >>> 0;
  const splitmix = () => {
    mixed = (mixed + 0x9e3779b9) >>> 0;
    let z = mixed;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  };
  let [a, b, c, d] = [splitmix(), splitmix(), splitmix(), splitmix()];
  const rotate = (x: number, by: number) => (x << by) | (x >>> (32 - by));
  return () => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotate(d, 11);
    return result;
  };
}

/** Uniform in [0, 1), 24 bits. */
export function randomUniforms(count: number, seed: number, name: string): Float32Array<ArrayBuffer> {
  const next = stream(seed, name);
  return Float32Array.from({ length: count }, () => (next() >>> 8) / 2 ** 24);
}

/** Standard normal, by Box and Muller's method. */
export function randomNormals(count: number, seed: number, name: string): Float32Array<ArrayBuffer> {
  const next = stream(seed, name);
  const uniform = () => ((next() >>> 8) + 1) / 2 ** 24;
  return Float32Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
  );
}
