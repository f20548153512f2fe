// pcg4d: four words in, four well-mixed words out. From Jarzynski and Olano, "Hash Functions for GPU Rendering" (JCGT 9(3), 2020).
// Bit for bit the same as src/graph/ops/random.ts, because u32 arithmetic wraps alike everywhere.
// Philox-4x32-10 was weighed and left: WGSL has no high half of a product, so its 20 wide products cost some 100 multiplications; this has 10.
fn pcg4d(words: vec4u) -> vec4u {
  var v = words * 1664525u + 1013904223u;
  v.x += v.y * v.w;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  v.w += v.y * v.z;
  v ^= v >> vec4u(16u);
  v.x += v.y * v.w;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  v.w += v.y * v.z;
  return v;
}

// The key of a random tensor: `site` tells the tensors of a micro-batch apart.
fn random_key(seed: u32, step: u32, micro_batch: u32, site: u32) -> vec4u {
  return pcg4d(vec4u(seed, step, micro_batch, site));
}

// The word of element i of the tensor with that key.
fn random_word(key: vec4u, i: u32) -> u32 {
  return pcg4d(vec4u(i, key.x, key.y, key.z)).w;
}
