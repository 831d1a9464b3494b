// Products of bytes by plain arithmetic; include inside a tier's namespace, after words_plain.h.
struct Bytes : Words {
  using A = int16_t;  // how A is held
  static constexpr int group = 2;

  struct Pairs {
    int32_t x[8];
  };
  static Pairs repeat(const A* pair) {
    return Pairs{{pair[0], pair[1], pair[0], pair[1], pair[0], pair[1], pair[0], pair[1]}};
  }
  static Pairs load_b(const int8_t* p) {
    Pairs v;
    for (int i = 0; i < 8; ++i) v.x[i] = p[i];
    return v;
  }
  static V dot(const Pairs& a, const Pairs& b, const V& sum) {
    return each([&](int i) { return sum.x[i] + uint32_t(a.x[2 * i] * b.x[2 * i] + a.x[2 * i + 1] * b.x[2 * i + 1]); });
  }
};
