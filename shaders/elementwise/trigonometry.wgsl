// Sine and cosine to f32 precision for |x| < 8192: WGSL's own need be no better than 2⁻¹¹, and SwiftShader's are not.
// Reduction to [−π/4, π/4] with π/2 in three parts, then the minimax polynomials of Moshier's Cephes library (sinf.c).

fn sine(x: f32) -> f32 {
  let quarter = round(x * 0.6366197723675814);
  return quarter_wave(x, quarter, i32(quarter));
}

fn cosine(x: f32) -> f32 {
  let quarter = round(x * 0.6366197723675814);
  return quarter_wave(x, quarter, i32(quarter) + 1);
}

fn quarter_wave(x: f32, quarter: f32, quadrant: i32) -> f32 {
  let r = ((x - quarter * 1.5703125) - quarter * 4.8375129699707031e-4) - quarter * 7.5497899548918821e-8;
  let z = r * r;
  let s = r + r * z * (-1.6666654611e-1 + z * (8.3321608736e-3 - z * 1.9515295891e-4));
  let c = 1.0 - 0.5 * z + z * z * (4.166664568298827e-2 + z * (-1.388731625493765e-3 + z * 2.443315711809948e-5));
  let wave = select(s, c, (quadrant & 1) == 1);
  return select(wave, -wave, (quadrant & 2) == 2);
}
