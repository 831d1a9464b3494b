// Vectors of 4 float32; include from files of the NEON tier, inside the tier's namespace.
struct Lanes {
  using V = float32x4_t;
  static constexpr int width = 4;
  static constexpr int registers = 32;

  static V zero() { return vdupq_n_f32(0.0f); }
  static V set(float x) { return vdupq_n_f32(x); }
  static V load(const float* p) { return vld1q_f32(p); }
  static V load_first(const float* p, int n) {
    float t[4] = {0, 0, 0, 0};
    for (int i = 0; i < n; ++i) t[i] = p[i];
    return vld1q_f32(t);
  }
  static void store(float* p, V x) { vst1q_f32(p, x); }
  static void store_first(float* p, V x, int n) {
    float t[4];
    vst1q_f32(t, x);
    for (int i = 0; i < n; ++i) p[i] = t[i];
  }
  static V add(V a, V b) { return vaddq_f32(a, b); }
  static V mul(V a, V b) { return vmulq_f32(a, b); }
  static V fma(V a, V b, V c) { return vfmaq_f32(c, a, b); }
  static V at_least(V low, V x) { return vbslq_f32(vcltq_f32(x, low), low, x); }
  // NaN becomes low.
  static V at_least_or(V low, V x) { return vbslq_f32(vcgtq_f32(x, low), x, low); }
  static V at_most(V high, V x) { return vbslq_f32(vcgtq_f32(x, high), high, x); }
  static V if_negative(V x, V yes, V no) { return vbslq_f32(vcltq_f32(x, zero()), yes, no); }

  static void transpose(V (&r)[4]) {
    float32x4_t a = vtrn1q_f32(r[0], r[1]), b = vtrn2q_f32(r[0], r[1]);
    float32x4_t c = vtrn1q_f32(r[2], r[3]), d = vtrn2q_f32(r[2], r[3]);
    r[0] = vcombine_f32(vget_low_f32(a), vget_low_f32(c));
    r[1] = vcombine_f32(vget_low_f32(b), vget_low_f32(d));
    r[2] = vcombine_f32(vget_high_f32(a), vget_high_f32(c));
    r[3] = vcombine_f32(vget_high_f32(b), vget_high_f32(d));
  }
};
