// Products of int16 pairs, B widened as it is loaded; include inside namespace engine::avx512.
struct Bytes {
  using V = __m512i;  // 16 int32
  using A = int16_t;  // how A is held
  static constexpr int width = 16, group = 2, registers = 32;

  static V zero() { return _mm512_setzero_si512(); }
  static void store(int32_t* p, V x) { _mm512_storeu_si512(p, x); }
  static V repeat(const A* group_of_a) {
    int32_t pair;
    __builtin_memcpy(&pair, group_of_a, 4);
    return _mm512_set1_epi32(pair);
  }
  static V load_b(const int8_t* p) {
    return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static V dot(V a, V b, V sum) { return _mm512_add_epi32(sum, _mm512_madd_epi16(a, b)); }
};
