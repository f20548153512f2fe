import type { StepParameters } from '../op.ts';

type Words = readonly [number, number, number, number];

/** pcg4d of Jarzynski and Olano, "Hash Functions for GPU Rendering" (JCGT 9(3), 2020), as in shaders/random/hash.wgsl. */
export function pcg4d(words: Words): Words {
  let [x, y, z, w] = words.map((word) => (Math.imul(word, 1664525) + 1013904223) | 0) as [
    number,
    number,
    number,
    number,
  ];
  for (let round = 0; round < 2; round++) {
    x = (x + Math.imul(y, w)) | 0;
    y = (y + Math.imul(z, x)) | 0;
    z = (z + Math.imul(x, y)) | 0;
    w = (w + Math.imul(y, z)) | 0;
    if (round === 0) [x, y, z, w] = [x ^ (x >>> 16), y ^ (y >>> 16), z ^ (z >>> 16), w ^ (w >>> 16)];
  }
  return [x >>> 0, y >>> 0, z >>> 0, w >>> 0];
}

/** Words for the elements of a random tensor of one micro-batch; `site` tells its tensors apart. Uniform over 32 bits. */
export function randomWords(
  step: Pick<StepParameters, 'seed' | 'step' | 'microBatch'>,
  site: number,
): (element: number) => number {
  const key = pcg4d([step.seed, step.step, step.microBatch, site]);
  return (element) => pcg4d([element, key[0], key[1], key[2]])[3];
}
