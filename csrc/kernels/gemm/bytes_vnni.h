// Products of unsigned by signed bytes, four at a time; include from files of the AVX-512 VNNI tiers, inside the
// tier's namespace, after words_avx512.h.
struct Bytes : Words {
  using A = uint8_t;  // how A is held
  static constexpr int group = 4;

  static V repeat(const A* group_of_a) {
    int32_t four;
    memcpy(&four, group_of_a, 4);
    return _mm512_set1_epi32(four);
  }
  static V load_b(const int8_t* p) { return _mm512_loadu_si512(p); }
  static V dot(V a, V b, V sum) { return _mm512_dpbusd_epi32(sum, a, b); }
};
