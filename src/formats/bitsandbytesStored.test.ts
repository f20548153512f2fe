import { describe, expect, it } from 'vitest';
import { decodePacked, packedPlanes } from '../quant/packed.ts';
import { packedFormat } from '../quant/registry.ts';
import { shardRows } from '../quant/shards.ts';
import { requantised } from './bitsandbytesStored.ts';

const [rows, columns] = [150, 96];
const values = Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(7 * i + 1));

describe.each(['nf4', 'nf4_nested', 'fp4', 'int8'] as const)('a weight in %s for other values', (format) => {
  const stored = { format, rows, columns, write: () => Promise.resolve() };

  it('is the same in several shards as in one', async () => {
    const made = requantised('w', stored, values);
    const { decode, planes } = packedFormat(format);
    const shards = shardRows(rows, columns, packedFormat(format), planes[0]!.bytes(64, columns));
    expect(shards.map(({ rowCount }) => rowCount)).toEqual([64, 64, 22]);
    const written = await packedPlanes(made, shards);
    const decoded = shards.flatMap(({ rowCount }, s) => [...decode(written[s]!, rowCount, columns)]);
    expect(decoded).toEqual([...(await decodePacked(made))]);
  });

  it('is refused by name where the format cannot hold a number', () => {
    const withLast = (last: number) => values.with(values.length - 1, last);
    const made = (last: number) => () => requantised('layers.0.weight', stored, withLast(last));
    const refusal =
      /^layers\.0\.weight would hold numbers that (NF4.*|FP4|INT8) cannot, so nothing was written\. Merge/;
    expect(made(NaN)).toThrow(refusal);
    expect(made(Infinity)).toThrow(refusal);
    if (format === 'int8') expect(made(65505)).toThrow(refusal);
    else expect(made(65505)).not.toThrow();
  });
});
