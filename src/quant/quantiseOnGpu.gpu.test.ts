import { describe, expect, it } from 'vitest';
import { noise, useGpu } from '../../tests/ops/harness.ts';
import { readBack } from '../gpu/transfer.ts';
import type { BlockFormatName, PackedFormat } from './format.ts';
import { floatToBfloat, floatToHalf } from './half.ts';
import { packedPlanes } from './packed.ts';
import { quantised, quantisedFormat, type Quantisation } from './quantise.ts';
import { searchTables } from './quantiseCodebook.ts';
import { GpuQuantiser } from './quantiseOnGpu.ts';
import { packedFormat, weightFormats } from './registry.ts';
import { planeBytes, shardRows } from './shards.ts';

const context = useGpu();

type Stored = 'f32' | 'f16' | 'bf16';

const kinds: readonly Quantisation[] = [
  { kind: 'nf4', doubleQuant: false },
  { kind: 'nf4', doubleQuant: true },
  { kind: 'fp4', doubleQuant: false },
  { kind: 'fp4', doubleQuant: true },
  { kind: 'int8', doubleQuant: false },
];

/** The bytes of numbers in a file. */
function storedAs(format: Stored, values: ArrayLike<number>): Uint8Array {
  if (format === 'f32') return new Uint8Array(Float32Array.from(values).buffer);
  return new Uint8Array(Uint16Array.from(values, format === 'f16' ? floatToHalf : floatToBfloat).buffer);
}

interface Matrix {
  readonly format: BlockFormatName;
  readonly rows: number;
  readonly columns: number;
  readonly bytes: Uint8Array;
}

const rowsOf = ({ bytes, rows }: Matrix, start: number, count: number) =>
  bytes.slice((start * bytes.length) / rows, ((start + count) * bytes.length) / rows);

/** The planes that the GPU makes of several matrices, one after the other in one ring. */
async function onGpu(
  matrices: readonly Matrix[],
  wanted: Quantisation,
  bindingLimit?: number,
): Promise<Uint8Array[][][]> {
  const { description, ...rest } = context.gpu;
  const gpu = { ...rest, description: { ...description, bindingLimit: bindingLimit ?? description.bindingLimit } };
  const quantiser = new GpuQuantiser(gpu, matrices);
  const made = [];
  for (const matrix of matrices) {
    const { rows, columns, format } = matrix;
    const packed = packedFormat(quantisedFormat(wanted, columns));
    const shards = shardRows(rows, columns, packed, gpu.description.bindingLimit);
    const planes = shards.map(({ rowCount }) => planeBytes(packed, rowCount, columns).map(bufferOf));
    const read = (start: number, count: number) => Promise.resolve(rowsOf(matrix, start, count));
    const { done } = await quantiser.quantise({ name: 'w', rows, columns, format, read }, wanted, {
      shards,
      codes: planes.map(([codes]) => codes!),
      put: (shard, plane, offset, bytes) => {
        const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
        padded.set(bytes);
        gpu.device.queue.writeBuffer(planes[shard]![plane]!.buffer, offset, padded);
      },
    });
    made.push({ done, planes });
  }
  const read = [];
  for (const { done, planes } of made) {
    await gpu.wait(done);
    read.push(await Promise.all(planes.map((shard) => Promise.all(shard.map(bytesOf)))));
  }
  quantiser.destroy();
  return read;
}

function bufferOf(bytes: number) {
  const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
  const buffer = context.gpu.device.createBuffer({ size: bytes, usage: STORAGE | COPY_SRC | COPY_DST });
  return { buffer, offset: 0, size: bytes };
}

async function bytesOf(range: ReturnType<typeof bufferOf>): Promise<Uint8Array> {
  return new Uint8Array(await readBack(context.gpu.device, range, context.gpu.wait));
}

/** The planes of the plain reference. */
function onCpu(matrix: Matrix, wanted: Quantisation, bindingLimit: number): Promise<Uint8Array[][]> {
  const { format, rows, columns } = matrix;
  const read = (start: number, count: number) =>
    Promise.resolve(weightFormats[format as Stored].decode(rowsOf(matrix, start, count), count * columns));
  const packed: PackedFormat = packedFormat(quantisedFormat(wanted, columns));
  return packedPlanes(quantised({ rows, columns, read }, wanted), shardRows(rows, columns, packed, bindingLimit));
}

async function expectSame(matrices: readonly Matrix[], wanted: Quantisation, bindingLimit?: number): Promise<void> {
  const made = await onGpu(matrices, wanted, bindingLimit);
  for (const [i, matrix] of matrices.entries()) {
    const expected = await onCpu(matrix, wanted, bindingLimit ?? context.gpu.description.bindingLimit);
    const what = `${matrix.format} ${matrix.rows} × ${matrix.columns}`;
    expect(made[i]!.length, what).toBe(expected.length);
    expected.forEach((planes, shard) =>
      planes.forEach((plane, p) => {
        const wrong = plane.findIndex((byte, at) => byte !== made[i]![shard]![p]![at]);
        expect(wrong, `${what}, shard ${shard}, plane ${p}: first byte that differs`).toBe(-1);
      }),
    );
  }
}

const sizes: readonly [rows: number, columns: number][] = [
  [1, 32],
  [1, 64],
  [3, 32],
  [7, 96],
  [61, 160],
  [64, 256],
  [5, 288],
  [1, 1],
  [9, 42],
  [67, 33],
  [130, 6],
];

describe.each(kinds)('quantising on the GPU gives the bits of the reference: %j', (wanted) => {
  it('of every type of float and awkward sizes', async () => {
    const matrices = (['f32', 'f16', 'bf16'] as const).flatMap((format) =>
      sizes.map(([rows, columns], i) => {
        const numbers = noise(rows * columns, 3 + i).map((x) => x ** 3 * 0.1);
        return { format, rows, columns, bytes: storedAs(format, numbers) };
      }),
    );
    await expectSame(matrices, wanted);
  });

  it('of numbers that lie within a few steps of where codes meet', async () => {
    const { bounds } = searchTables[wanted.kind === 'fp4' ? 'fp4' : 'nf4'];
    const steps = Float32Array.from({ length: 255 }, (_, i) => (i - 127) / 127);
    const [rows, columns] = [256, 256];
    const random = noise(rows * columns, 7);
    const numbers = new Float32Array(rows * columns);
    const words = new Uint32Array(numbers.buffer);
    for (let i = 0; i < numbers.length; i++) {
      const absmax = random[i - (i % 64)]! * 2 ** (((i >> 6) % 38) - 22);
      const meeting = wanted.kind === 'int8' ? steps[i % 255]! + 1 / 254 : bounds[i % 15]!;
      numbers[i] = i % 64 === 0 ? absmax : absmax * meeting;
      if (i % 64 !== 0) words[i] = words[i]! + (i % 5) - 2;
    }
    await expectSame([{ format: 'f32', rows, columns, bytes: new Uint8Array(numbers.buffer) }], wanted);
  });

  it('of zeros of both signs, and of the least and the largest numbers', async () => {
    const [rows, columns] = [40, 64];
    const random = noise(rows * columns, 11);
    const extremes = [
      0,
      -0,
      2 ** -149,
      -(2 ** -130),
      1e-38,
      2 ** -126,
      3e-38,
      -(2 ** 127),
      3.3e38,
      65504,
      65519,
      2 ** -25,
    ];
    const numbers = random.map((x, i) => {
      const size = extremes[(i >> 6) % extremes.length]!;
      const ofSize = i >> 6 < 2 * extremes.length ? size * (i % 3 === 0 ? 1 : x) : x * 2 ** (-149 + (i % 64) * 4);
      return wanted.kind === 'int8' ? Math.max(-65519, Math.min(65519, ofSize)) : ofSize;
    });
    const halves = numbers.map((x) => Math.max(-65504, Math.min(65504, x)));
    await expectSame(
      [
        { format: 'f32', rows, columns, bytes: storedAs('f32', numbers) },
        {
          format: 'bf16',
          rows,
          columns,
          bytes: storedAs(
            'bf16',
            wanted.kind === 'int8' ? numbers.map((x) => Math.max(-65280, Math.min(65280, x))) : numbers,
          ),
        },
        { format: 'f16', rows, columns, bytes: storedAs('f16', halves) },
      ],
      wanted,
    );
  });

  it('of several shards and several stretches', async () => {
    const matrices = (
      [
        [300, 96],
        [200, 64],
        [257, 32],
      ] as const
    ).map(([rows, columns], i) => ({
      ...({ format: 'f16', rows, columns } as const),
      bytes: storedAs('f16', noise(rows * columns, 20 + i)),
    }));
    await expectSame(matrices, wanted, 6144);
  });

  it('refuses what is not finite, by name', async () => {
    for (const wrong of [NaN, Infinity, -Infinity]) {
      const numbers = noise(8 * 64).map((x, i) => (i === 200 ? wrong : x));
      const bytes = storedAs('bf16', numbers);
      const refusal = /^w has numbers that are not finite/;
      await expect(onGpu([{ format: 'bf16', rows: 8, columns: 64, bytes }], wanted)).rejects.toThrow(refusal);
      const read = () => Promise.resolve(Float32Array.from(numbers));
      const packed = quantised({ name: 'w', rows: 8, columns: 64, read }, wanted);
      await expect(packedPlanes(packed, [{ rowStart: 0, rowCount: 8 }])).rejects.toThrow(refusal);
    }
  });
});

it('refuses numbers beyond the largest half for 8 bits, and says what to do', async () => {
  const bytes = storedAs(
    'bf16',
    noise(64).map((x, i) => (i === 7 ? 70000 : x)),
  );
  const int8 = { kind: 'int8', doubleQuant: false } as const;
  await expect(onGpu([{ format: 'bf16', rows: 2, columns: 32, bytes }], int8)).rejects.toThrow(/Use load_in_4bit/);
});
