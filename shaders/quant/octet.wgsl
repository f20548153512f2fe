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
