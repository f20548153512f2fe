// x · s rounded once to f32, with an s such as 1 / absmax that is itself rounded to the nearest f32: on every device the bits that a CPU
// computes. WGSL's division may be off by 2.5 units in the last place, and its numbers below 2⁻¹²⁶ may be taken for zero; so factors are
// whole numbers with an exponent apart, and the quotient is put right by its remainder. The product of two whole numbers below 2²⁵ as f32
// is rounded once and far from either end of the range, so it needs no integers.
// Source: the correction of a reciprocal by its exact remainder, as in Markstein, "IA-64 and Elementary Functions" (2000), here in integers.

// mantissa · 2^exponent, the mantissa at most 2²⁴
struct Factor {
  mantissa: u32,
  exponent: i32,
}

// Of the bits of a positive f32, with a mantissa of 24 digits.
fn factorOf(bits: u32) -> Factor {
  if (bits >= 0x800000u) {
    return Factor((bits & 0x7FFFFFu) | 0x800000u, i32(bits >> 23u) - 150);
  }
  let shift = countLeadingZeros(bits) - 8u;
  return Factor(bits << shift, -149 - i32(shift));
}

// 1 / x, rounded to the nearest f32; never a tie, for only powers of two divide one evenly.
fn reciprocal(bits: u32) -> Factor {
  let x = factorOf(bits);
  let m = i32(x.mantissa);
  let n = min(47, 149 - x.exponent); // the result is a multiple of 2^-149
  var q = i32(round(bitcast<f32>(u32(n + 127) << 23u) / f32(m)));
  // 2^n − q·m is small, so its lower 32 bits tell it, and those of 2^n are zero
  q += i32(round(f32(-(q * m)) / f32(m)));
  let rest = -2 * q * m;
  q += select(0, 1, rest > m) - select(0, 1, rest < -m);
  return Factor(u32(q), -n - x.exponent);
}

// x · s for four f32 by their bits; products below 2⁻¹²⁶ are zero.
fn scaled(bits: vec4<u32>, s: Factor) -> vec4<f32> {
  let magnitude = bits & vec4(0x7FFFFFFFu);
  let isSmall = magnitude < vec4(0x800000u);
  let mantissa = select((magnitude & vec4(0x7FFFFFu)) | vec4(0x800000u), magnitude, isSmall);
  let exponent = select(bitcast<vec4<i32>>(magnitude >> vec4(23u)), vec4(1), isSmall) - 150 + s.exponent;
  let product = bitcast<vec4<i32>>(vec4<f32>(mantissa) * f32(s.mantissa));
  let isZero = (mantissa == vec4(0u)) | ((product >> vec4(23u)) + exponent <= vec4(0));
  let result = bitcast<vec4<u32>>(product + (exponent << vec4(23u)));
  return bitcast<vec4<f32>>(select(result, vec4(0u), isZero) | (bits & vec4(0x80000000u)));
}
