/**
 * PyTorch's generator on the CPU, for methods whose frozen numbers follow from a seed that stands in their config: MT19937 (Matsumoto
 * and Nishimura, ACM TOMACS 8, 1998), started as init_genrand does.
 * @returns the next 32 bits at each call
 */
export function torchGenerator(seed: number): () => number {
  const state = new Uint32Array(624);
  state[0] = seed;
  for (let i = 1; i < state.length; i++) {
    const before = state[i - 1] ?? 0;
    state[i] = Math.imul(1812433253, before ^ (before >>> 30)) + i;
  }
  let position = state.length;
  return () => {
    if (position === state.length) {
      twist(state);
      position = 0;
    }
    let y = state[position++] ?? 0;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
}

function twist(state: Uint32Array): void {
  const at = (i: number) => state[i % state.length] ?? 0;
  for (let i = 0; i < state.length; i++) {
    const y = (at(i) & 0x80000000) | (at(i + 1) & 0x7fffffff);
    state[i] = at(i + 397) ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
  }
}

/** tensor.uniform_(−bound, bound) in f32: the low 24 bits of each word. */
export function torchUniform(next: () => number, count: number, bound: number): Float32Array<ArrayBuffer> {
  const from = -Math.fround(bound);
  const width = Math.fround(-2 * from);
  return Float32Array.from({ length: count }, () => ((next() & 0xffffff) / 2 ** 24) * width + from);
}
