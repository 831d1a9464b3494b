// Products of bytes by plain arithmetic; include inside a tier's namespace.
struct Bytes {
  struct V {
    int32_t x[8];
  };
  using A = int16_t;  // how A is held
  static constexpr int width = 4, group = 2, registers = 16;

  static V zero() { return V{}; }
  static void store(int32_t* p, const V& v) {
    for (int i = 0; i < 4; ++i) p[i] = v.x[i];
  }
  static V repeat(const A* pair) { return V{{pair[0], pair[1], pair[0], pair[1], pair[0], pair[1], pair[0], pair[1]}}; }
  static V load_b(const int8_t* p) {
    V v;
    for (int i = 0; i < 8; ++i) v.x[i] = p[i];
    return v;
  }
  static V dot(const V& a, const V& b, const V& sum) {
    V v{};
    for (int i = 0; i < 4; ++i)
      v.x[i] = int32_t(uint32_t(sum.x[i]) + uint32_t(a.x[2 * i] * b.x[2 * i] + a.x[2 * i + 1] * b.x[2 * i + 1]));
    return v;
  }
};
