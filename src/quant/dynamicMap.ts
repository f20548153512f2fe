/**
 * The 8-bit numbers of bitsandbytes (functional.py, create_dynamic_map, signed): 0, 1 and 254 of the form ±10^e · m, the fewer mantissas
 * m in 0.1…1 the smaller e. In ascending order, each rounded as torch rounds it.
 */
const EXPONENTS = 7;

let made: Float32Array | undefined;

export function dynamicMap(): Float32Array {
  made ??= Float32Array.from([0, 1, ...magnitudes(), ...magnitudes().map((value) => -value)]).sort();
  return made;
}

function magnitudes(): number[] {
  const all: number[] = [];
  for (let i = 0; i < EXPONENTS; i++) {
    const boundaries = linspace(2 ** i + 1);
    const scale = Math.fround(10 ** (i + 1 - EXPONENTS));
    for (let j = 0; j < 2 ** i; j++)
      all.push(Math.fround(scale * Math.fround(Math.fround(boundaries[j]! + boundaries[j + 1]!) / 2)));
  }
  return all;
}

/** torch.linspace(0.1, 1, steps) in f32: from the start up to the middle, from the end behind it. */
function linspace(steps: number): number[] {
  const [start, end] = [Math.fround(0.1), 1];
  const step = Math.fround(Math.fround(end - start) / (steps - 1));
  return Array.from({ length: steps }, (_, i) =>
    Math.fround(i < Math.floor(steps / 2) ? start + step * i : end - step * (steps - 1 - i)),
  );
}
