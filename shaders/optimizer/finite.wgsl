// Whether x is neither infinite nor NaN, told from its bits: compilers may assume that floats are finite, and drop x == x.
fn is_finite(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u;
}
