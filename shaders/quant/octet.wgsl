// What a decoder of a block format gives to the kernels that import it as `weight`. It reads four neighbouring rows (a row group) at once,
// and 32 columns (a block) at a time; a row of `blocks` blocks:
//   scalesAt(group, block, blocks)   whatever the decoder needs to know of a block, read once for its 32 columns
//   quartetAt(index, scales)         four columns; `index` counts quartets: row group · blocks · 8 + quartet
//   octetAt(index, scales)           eight columns; `index` counts octets: row group · blocks · 4 + octet
// Bindings 2, 3 and 6 are the planes of the format, in the order of src/quant.

// Eight neighbouring columns of four neighbouring rows: low[j] is column j of the four rows, high[j] column 4 + j.
struct Octet {
  low: mat4x4<f32>,
  high: mat4x4<f32>,
}

// Scale d and offset m of one block in four neighbouring rows: value = d·q + m.
struct Scales {
  d: vec4<f32>,
  m: vec4<f32>,
}

// The two halves f16 of a word, for four rows.
fn halves(words: vec4<u32>) -> Scales {
  let a = unpack2x16float(words.x);
  let b = unpack2x16float(words.y);
  let c = unpack2x16float(words.z);
  let d = unpack2x16float(words.w);
  return Scales(vec4(a.x, b.x, c.x, d.x), vec4(a.y, b.y, c.y, d.y));
}
