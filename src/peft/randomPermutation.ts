/**
 * The first `count` numbers of torch.randperm(size, generator=torch.Generator().manual_seed(seed)): MT19937 (Matsumoto and Nishimura,
 * doi 10.1145/272991.272995), and for each place a swap with one at or behind it. Only the places that were swapped are kept.
 */
export function randomPermutation(size: number, seed: number, count: number): number[] {
  const next = mersenneTwister(seed);
  const moved = new Map<number, number>();
  return Array.from({ length: count }, (_, i) => {
    const j = i + (next() % (size - i));
    const chosen = moved.get(j) ?? j;
    moved.set(j, moved.get(i) ?? i);
    return chosen;
  });
}

const words = 624;
const middle = 397;

/** 32-bit numbers of MT19937 after init_genrand(seed). */
function mersenneTwister(seed: number): () => number {
  const state = new Uint32Array(words);
  state[0] = seed;
  for (let i = 1; i < words; i++) {
    const last = state[i - 1] ?? 0;
    state[i] = Math.imul(1812433253, last ^ (last >>> 30)) + i;
  }
  let at = words;
  const twist = () => {
    for (let i = 0; i < words; i++) {
      const joined = ((state[i] ?? 0) & 0x80000000) | ((state[(i + 1) % words] ?? 0) & 0x7fffffff);
      state[i] = (state[(i + middle) % words] ?? 0) ^ (joined >>> 1) ^ (joined & 1 ? 0x9908b0df : 0);
    }
    at = 0;
  };
  return () => {
    if (at === words) twist();
    let y = state[at++] ?? 0;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
}
