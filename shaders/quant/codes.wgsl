// Codes of 2, 3, 4, 5, 6 or 8 bits as src/quant/codes.ts lays them out, and what value = d·q + m makes of them.
//
// Binding 2: words u32, as many a block of 32 columns as a code has bits; four neighbouring rows lie side by side:
// [rows / 4, blocks, bits, 4]. A word holds the same bits of 4·k columns: of byte j of each quartet of columns.
@group(0) @binding(2) var<storage, read> words: array<vec4<u32>>;

// Byte j is the code of column j of the quartet, for four rows. `index` counts quartets: row group · blocks · 8 + quartet.
fn codesAt(index: u32) -> vec4<u32> {
  let block = index >> 3u;
  let quartet = index & 7u;
  @if(BITS_2) return pairs(2u * block, quartet);
  @if(BITS_3) return pairs(3u * block, quartet) | (bits(3u * block + 2u, quartet) << vec4(2u));
  @if(BITS_4) return nibbles(4u * block, quartet);
  @if(BITS_5) return nibbles(5u * block, quartet) | (bits(5u * block + 4u, quartet) << vec4(4u));
  @if(BITS_6) return nibbles(6u * block, quartet) | (pairs(6u * block + 4u, quartet) << vec4(4u));
  @if(BITS_8) return words[8u * block + quartet];
}

fn nibbles(first: u32, quartet: u32) -> vec4<u32> {
  return (words[first + (quartet >> 1u)] >> vec4(4u * (quartet & 1u))) & vec4(0x0F0F0F0Fu);
}

fn pairs(first: u32, quartet: u32) -> vec4<u32> {
  return (words[first + (quartet >> 2u)] >> vec4(2u * (quartet & 3u))) & vec4(0x03030303u);
}

fn bits(word: u32, quartet: u32) -> vec4<u32> {
  return (words[word] >> vec4(quartet)) & vec4(0x01010101u);
}

// d·q + m of four columns. A byte is converted where it lies, as q·2^shift, and d·2^-shift undoes that exactly.
fn affine(codes: vec4<u32>, d: vec4<f32>, m: vec4<f32>) -> mat4x4<f32> {
  let q = bitcast<vec4<i32>>(codes);
  return mat4x4<f32>(
    fma(vec4<f32>(q & vec4(0xFFi)), d, m),
    fma(vec4<f32>(q & vec4(0xFF00i)), d * 0x1p-8f, m),
    fma(vec4<f32>(q & vec4(0xFF0000i)), d * 0x1p-16f, m),
    fma(vec4<f32>(codes & vec4(0xFF000000u)), d * 0x1p-24f, m),
  );
}
