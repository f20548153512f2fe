/**
 * Floats into INT8 by rows with bitsandbytes' codes (nn/modules.py, Int8Params; backends/default/ops.py, int8_vectorwise_quant): rounded
 * to halves first, then to the nearest of 255 steps of the row's absmax, ties to even.
 */
import { floatToHalf, halfToFloat } from './half.ts';
import { repackInt8 } from './int8.ts';
import type { PutPlane } from './packed.ts';
import type { FloatRows } from './quantise.ts';
import { packedFormat } from './registry.ts';
import type { RowShard } from './shards.ts';
import { blockMaxima, requireFinite, stretchesOf } from './stretches.ts';

export async function writeInt8(source: FloatRows, shards: readonly RowShard[], put: PutPlane): Promise<void> {
  const { name, columns } = source;
  const [values, absmax] = packedFormat('int8').planes;
  for (const { shard, row, rowCount } of stretchesOf(shards, columns)) {
    const floats = await source.read(shards[shard]!.rowStart + row, rowCount);
    roundToHalves(floats);
    const scales = new Float32Array(rowCount);
    blockMaxima(floats, columns, scales);
    requireFinite(scales, name, true);
    put(shard, 0, values!.bytes(row, columns), int8Codes(floats, columns, scales));
    put(shard, 1, absmax!.bytes(row, columns), new Uint8Array(scales.buffer));
  }
}

function int8Codes(values: Float32Array, columns: number, absmax: Float32Array): Uint8Array {
  const codes = new Uint8Array(values.length);
  absmax.forEach((largest, row) => {
    const scale = largest > 0 ? Math.fround(127 * Math.fround(1 / largest)) : 0; // as torch divides a number by a tensor
    for (let i = row * columns; i < (row + 1) * columns; i++)
      codes[i] = Math.fround(Math.fround(values[i]! * scale) + TO_INTEGER) - TO_INTEGER;
  });
  return repackInt8(codes, absmax.length, columns);
}

/** f32 sums with it are whole, rounded to the nearest, ties to even. */
const TO_INTEGER = 1.5 * 2 ** 23;

/** Rounds to the halves nearest to the numbers, ties to even; those beyond the largest half become infinite. */
function roundToHalves(values: Float32Array): void {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const magnitude = word & 0x7fffffff;
    // 2⁻¹⁴ to 65,504: halves with all their digits; 13 bits of the mantissa go
    if (magnitude >= 0x38800000 && magnitude <= 0x477fe000)
      words[i] = (word + 0xfff + ((word >>> 13) & 1)) & 0xffffe000;
    else if (magnitude !== 0) values[i] = halfToFloat(floatToHalf(values[i]!));
  }
}
