// Four float32 by plain arithmetic, multiply and add rounded apart; include inside namespace engine::scalar.
struct Lanes {
  struct V {
    float x[4];
  };
  static constexpr int width = 4;
  static constexpr int registers = 16;

  template <class F>
  static V each(F f) {
    V r;
    for (int i = 0; i < 4; ++i) r.x[i] = f(i);
    return r;
  }
  static V zero() { return V{}; }
  static V set(float x) { return V{{x, x, x, x}}; }
  static V load(const float* p) { return V{{p[0], p[1], p[2], p[3]}}; }
  static V load_first(const float* p, int n) {
    return each([=](int i) { return i < n ? p[i] : 0.0f; });
  }
  static void store(float* p, V v) {
    for (int i = 0; i < 4; ++i) p[i] = v.x[i];
  }
  static void store_first(float* p, V v, int n) {
    for (int i = 0; i < n; ++i) p[i] = v.x[i];
  }
  static V add(V a, V b) {
    return each([&](int i) { return a.x[i] + b.x[i]; });
  }
  static V mul(V a, V b) {
    return each([&](int i) { return a.x[i] * b.x[i]; });
  }
  static V fma(V a, V b, V c) {
    return each([&](int i) { return a.x[i] * b.x[i] + c.x[i]; });
  }
  static V at_least(V low, V v) {
    return each([&](int i) { return v.x[i] < low.x[i] ? low.x[i] : v.x[i]; });
  }
  // NaN becomes low.
  static V at_least_or(V low, V v) {
    return each([&](int i) { return v.x[i] > low.x[i] ? v.x[i] : low.x[i]; });
  }
  static V at_most(V high, V v) {
    return each([&](int i) { return v.x[i] > high.x[i] ? high.x[i] : v.x[i]; });
  }
  static V if_negative(V v, V yes, V no) {
    return each([&](int i) { return v.x[i] < 0.0f ? yes.x[i] : no.x[i]; });
  }
  static void transpose(V (&r)[4]) {
    for (int i = 0; i < 4; ++i)
      for (int j = 0; j < i; ++j) {
        float t = r[i].x[j];
        r[i].x[j] = r[j].x[i];
        r[j].x[i] = t;
      }
  }
};
