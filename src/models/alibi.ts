/**
 * The slopes of ALiBi for each head (Press et al. 2022, as Transformers' modeling_bloom.py has them): 2^(−8i/n) for n heads, a power of
 * two; else those of the next lower power of two, and behind them every other one of the next higher. In f32 as there.
 */
export function alibiSlopes(heads: number): number[] {
  const lower = 2 ** Math.floor(Math.log2(heads));
  const powers = (base: number, first: number, step: number, count: number) =>
    Array.from({ length: count }, (_, i) => Math.fround(Math.fround(base) ** (first + step * i)));
  const ofPowerOfTwo = powers(2 ** -(2 ** -(Math.log2(lower) - 3)), 1, 1, lower);
  return [...ofPowerOfTwo, ...powers(2 ** -(2 ** -(Math.log2(2 * lower) - 3)), 1, 2, heads - lower)];
}

/** Attention's bias table [heads, 2·R + 1] for distances j − i from −R to R, R = positions − 1: slope · (j − i). */
export function alibiTable(heads: number, positions: number): { shape: readonly [number, number]; data: Float32Array } {
  const reach = positions - 1;
  const width = 2 * reach + 1;
  const data = new Float32Array(heads * width);
  alibiSlopes(heads).forEach((slope, head) => {
    for (let at = 0; at < width; at++) data[head * width + at] = slope * (at - reach);
  });
  return { shape: [heads, width], data };
}
