import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { memorySource } from './byteSource.ts';
import { UserError } from './errors.ts';
import { readFloatTensor } from './floatTensors.ts';
import { readGguf } from './gguf.ts';

const fixture = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../tests/fixtures/formats/${name}`, import.meta.url)));
const tiny = fixture('tiny.gguf');
const read = (bytes: Uint8Array) => readGguf(memorySource(bytes, 'tiny.gguf'));

/** Where a text stands in the file, for changing what follows it. */
function positionAfter(bytes: Uint8Array, text: string): number {
  const start = new TextDecoder('latin1').decode(bytes).indexOf(text);
  expect(start).toBeGreaterThan(0);
  return start + text.length;
}

/** A copy with something changed. */
function changed(change: (view: DataView, bytes: Uint8Array) => void, original = tiny): Uint8Array {
  const bytes = new Uint8Array(original);
  change(new DataView(bytes.buffer), bytes);
  return bytes;
}

/** A header alone: version 3, these entries (already encoded), no tensors unless counted. */
function header(parts: { tensors?: bigint; pairs?: bigint; body?: number[] }): Uint8Array {
  const bytes = new Uint8Array(24 + (parts.body?.length ?? 0));
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode('GGUF'));
  view.setUint32(4, 3, true);
  view.setBigUint64(8, parts.tensors ?? 0n, true);
  view.setBigUint64(16, parts.pairs ?? 0n, true);
  bytes.set(parts.body ?? [], 24);
  return bytes;
}

const u64 = (value: bigint) => [...new Uint8Array(BigUint64Array.of(value).buffer)];
const u32 = (value: number) => [...new Uint8Array(Uint32Array.of(value).buffer)];
const key = (name: string) => [...u64(BigInt(name.length)), ...new TextEncoder().encode(name)];

describe('a file written by gguf-py', () => {
  it('gives its metadata by type', async () => {
    const { version, metadata } = await read(tiny);
    expect(version).toBe(3);
    expect(metadata.string('general.architecture')).toBe('llama');
    expect(metadata.integer('llama.block_count')).toBe(2);
    expect(metadata.number('llama.attention.layer_norm_rms_epsilon')).toBe(Math.fround(1e-5));
    expect(metadata.boolean('tokenizer.ggml.add_bos_token')).toBe(true);
    expect(metadata.strings('tokenizer.ggml.tokens')).toEqual(['<s>', 'a', 'ü', '日本']);
    expect(metadata.numbers('tokenizer.ggml.scores')).toEqual([0, -1.5, -2, -3.25]);
    expect(metadata.integer('graft.negative')).toBe(-5);
    expect(metadata.integer('absent', 7)).toBe(7);
  });

  it('names the key that is absent or of another type', async () => {
    const { metadata } = await read(tiny);
    expect(() => metadata.string('tokenizer.chat_template')).toThrow(/tiny\.gguf lacks tokenizer\.chat_template/);
    expect(() => metadata.integer('general.architecture')).toThrow(
      /general\.architecture in tiny\.gguf is not a whole number/,
    );
    expect(() => metadata.integer('graft.large')).toThrow(UserError); // 2⁶⁰ is not exact in a double
    expect(() => metadata.numbers('tokenizer.ggml.tokens')).toThrow(/not a list of numbers/);
  });

  it('places every tensor, with its dimensions in the order of Hugging Face', async () => {
    const { tensors } = await read(tiny);
    expect(
      [...tensors.values()].map(({ name, shape, format, byteLength }) => [name, shape, format, byteLength]),
    ).toEqual([
      ['blk.0.f32.weight', [4, 256], 'f32', 4096],
      ['blk.0.f16.weight', [4, 256], 'f16', 2048],
      ['blk.0.bf16.weight', [4, 256], 'bf16', 2048],
      ['blk.0.q8_0.weight', [4, 256], 'q8_0', 4 * 8 * 34],
      ['blk.0.q4_0.weight', [4, 256], 'q4_0', 4 * 8 * 18],
      ['blk.0.q4_1.weight', [4, 256], 'q4_1', 4 * 8 * 20],
      ['output_norm.weight', [5], 'f32', 20],
    ]);
  });

  it('decodes each tensor near the values that were quantised', async () => {
    const { tensors } = await read(tiny);
    const exact = (await readFloatTensor(tensors.get('blk.0.f32.weight')!)).data;
    expect([...(await readFloatTensor(tensors.get('output_norm.weight')!)).data]).toEqual([...exact.subarray(0, 5)]);
    const largestError = { f16: 2e-3, bf16: 2e-2, q8_0: 2e-2, q4_0: 0.4, q4_1: 0.3 };
    for (const [format, bound] of Object.entries(largestError)) {
      const { data } = await readFloatTensor(tensors.get(`blk.0.${format}.weight`)!);
      const error = Math.max(...data.map((value, i) => Math.abs(value - exact[i]!)));
      expect(error, format).toBeLessThan(bound);
    }
  });

  it('is read though its header is longer than the first read', async () => {
    const text = 'x'.repeat(5 << 20);
    const body = new Uint8Array([...key('long'), ...u32(8), ...u64(BigInt(text.length))]);
    const bytes = new Uint8Array([...header({ pairs: 1n, body: [...body] }), ...new TextEncoder().encode(text)]);
    expect((await read(bytes)).metadata.string('long').length).toBe(text.length);
  });
});

describe('files that are refused', () => {
  it('a type that Graft does not read, saying which it does', async () => {
    const reading = read(fixture('tiny-iq4_nl.gguf'));
    await expect(reading).rejects.toThrow(UserError);
    await expect(reading).rejects.toThrow(/type IQ4_NL \(blk\.0\.iq4_nl\.weight, .* F32, F16, Q4_0, .* Q6_K, BF16/);
  });

  const cases: [string, () => Uint8Array, RegExp][] = [
    ['no GGUF', () => new Uint8Array(64), /not a GGUF file/],
    ['an empty file', () => new Uint8Array(0), /not a GGUF file/],
    ['version 1', () => changed((view) => view.setUint32(4, 1, true)), /version 1/],
    ['big-endian', () => changed((view) => view.setUint32(4, 3, false)), /big-endian/],
    ['more tensors than bytes', () => header({ tensors: 2n ** 60n }), /claims .* tensors, more than the file can hold/],
    ['more metadata than bytes', () => header({ pairs: 2n ** 40n }), /claims .* metadata entries/],
    [
      'a text longer than the file',
      () => header({ pairs: 1n, body: [...u64(2n ** 50n), 0, 0, 0, 0, 0] }),
      /bytes of text/,
    ],
    [
      'an array longer than the file',
      () => header({ pairs: 1n, body: [...key('list'), ...u32(9), ...u32(4), ...u64(2n ** 33n)] }),
      /values in list/,
    ],
    [
      'an unknown value type',
      () => header({ pairs: 1n, body: [...key('odd'), ...u32(99), 0] }),
      /odd .* unknown value type 99/,
    ],
    [
      'a key given twice',
      () => header({ pairs: 2n, body: [...key('k'), ...u32(7), 1, ...key('k'), ...u32(7), 0] }),
      /gives k twice/,
    ],
    [
      'arrays without end',
      () =>
        header({
          pairs: 1n,
          body: [...key('deep'), ...u32(9), ...Array.from({ length: 9 }, () => [...u32(9), ...u64(1n)]).flat()],
        }),
      /deep .* nested too deep/,
    ],
    [
      'one part of several',
      () => header({ pairs: 1n, body: [...key('split.count'), ...u32(2), 3, 0] }),
      /one of 3 parts/,
    ],
    [
      'an alignment that is none',
      () => header({ pairs: 1n, body: [...key('general.alignment'), ...u32(4), ...u32(24)] }),
      /general\.alignment 24/,
    ],
    [
      'alignment zero',
      () => header({ pairs: 1n, body: [...key('general.alignment'), ...u32(4), ...u32(0)] }),
      /general\.alignment 0/,
    ],
    [
      'five dimensions',
      () => changed((view, bytes) => view.setUint32(positionAfter(bytes, 'blk.0.f32.weight'), 5, true)),
      /blk\.0\.f32\.weight .* 5 dimensions/,
    ],
    [
      'an absurd dimension',
      () => changed((view, bytes) => view.setBigUint64(positionAfter(bytes, 'blk.0.f32.weight') + 4, 2n ** 62n, true)),
      /blk\.0\.f32\.weight .* impossible shape/,
    ],
    [
      'rows that are no whole blocks',
      () => changed((view, bytes) => view.setBigUint64(positionAfter(bytes, 'blk.0.q8_0.weight') + 4, 250n, true)),
      /blk\.0\.q8_0\.weight .* rows of .* weights, which Q8_0.s blocks of 32 do not divide/,
    ],
    [
      'an offset outside the file',
      () => changed((view, bytes) => view.setBigUint64(positionAfter(bytes, 'blk.0.f32.weight') + 24, 2n ** 40n, true)),
      /blk\.0\.f32\.weight .* download broke off/,
    ],
    [
      'an offset off the alignment',
      () => changed((view, bytes) => view.setBigUint64(positionAfter(bytes, 'blk.0.f16.weight') + 24, 4097n, true)),
      /blk\.0\.f16\.weight .* not a multiple of 32/,
    ],
    [
      'tensors that overlap',
      () => changed((view, bytes) => view.setBigUint64(positionAfter(bytes, 'blk.0.f16.weight') + 24, 0n, true)),
      /f32\.weight and blk\.0\.f16\.weight .* share bytes/,
    ],
  ];
  it.each(cases)('%s', async (_, make, message) => {
    const reading = read(make());
    await expect(reading).rejects.toThrow(UserError);
    await expect(reading).rejects.toThrow(message);
  });

  it('any cut of a good file', async () => {
    const last = [...(await read(tiny)).tensors.values()].at(-1)!;
    const end = last.byteOffset + last.byteLength; // only padding follows
    await fc.assert(
      fc.asyncProperty(fc.nat(end - 1), async (length) => {
        await expect(read(tiny.subarray(0, length))).rejects.toThrow(UserError);
      }),
    );
  });
});
