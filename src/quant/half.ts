/** IEEE half floats and bfloat16 as 16-bit patterns. Node 20 has no Float16Array, so the conversions are here. */

const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

let halfTable: Float32Array | undefined;

/** The value of every half by its bit pattern (65,536 f32, 256 KB, made on first use): the fastest way to decode many. */
export function halfValues(): Float32Array {
  if (!halfTable) {
    halfTable = new Float32Array(65536);
    for (let bits = 0; bits < 65536; bits++) halfTable[bits] = decodeHalf(bits);
  }
  return halfTable;
}

/** The value of one half. Exact. */
export function halfToFloat(bits: number): number {
  return halfValues()[bits & 0xffff]!;
}

function decodeHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa ? NaN : sign * Infinity;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

/** The half nearest to a number, ties to even; beyond ±65,519 it is infinite. */
export function floatToHalf(value: number): number {
  scratch[0] = value;
  const bits = scratchBits[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // rounds to 65,536 or more
  if (magnitude < 0x38800000) return sign | roundEven(Math.abs(scratch[0]) * 2 ** 24); // below 2⁻¹⁴: a multiple of 2⁻²⁴
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  return sign | ((rounded >>> 13) - (112 << 10)); // 112 = 127 − 15, the difference of the biases
}

/** The value of one bfloat16. Exact. */
export function bfloatToFloat(bits: number): number {
  scratchBits[0] = bits << 16;
  return scratch[0]!;
}

/** The bfloat16 nearest to a number, ties to even; NaN stays NaN. */
export function floatToBfloat(value: number): number {
  scratch[0] = value;
  const bits = scratchBits[0]!;
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

function roundEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor + (floor & 1);
}
