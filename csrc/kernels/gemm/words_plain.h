// Four int32 by plain arithmetic; include inside a tier's namespace, after its Lanes of width 4.
struct Words {
  struct V {
    uint32_t x[4];
  };
  static constexpr int width = 4, registers = 16;

  template <class F>
  static V each(F f) {
    V r;
    for (int i = 0; i < 4; ++i) r.x[i] = f(i);
    return r;
  }
  static V zero() { return V{}; }
  static V set(uint32_t x) { return V{{x, x, x, x}}; }
  static V load(const uint32_t* p) { return V{{p[0], p[1], p[2], p[3]}}; }
  static void store(void* p, const V& v) { memcpy(p, v.x, sizeof v.x); }
  static V add(const V& a, const V& b) {
    return each([&](int i) { return a.x[i] + b.x[i]; });
  }
  static V sub(const V& a, const V& b) {
    return each([&](int i) { return a.x[i] - b.x[i]; });
  }
  static V mul(const V& a, const V& b) {
    return each([&](int i) { return a.x[i] * b.x[i]; });
  }
  static Lanes::V to_float(const V& v) {
    float f[4];
    for (int i = 0; i < 4; ++i) f[i] = float(int32_t(v.x[i]));
    return Lanes::load(f);
  }
  // Halves to even. REQUIRES: within 2^22 of zero.
  static V round(Lanes::V v) {
    float f[4];
    Lanes::store(f, v);
    return each([&](int i) { return uint32_t(int32_t((f[i] + 12582912.0f) - 12582912.0f)); });
  }
  // The low bytes, 4 of them.
  static void store_bytes(void* p, const V& v) {
    for (int i = 0; i < 4; ++i) static_cast<uint8_t*>(p)[i] = uint8_t(v.x[i]);
  }
};
