// Products of int16 pairs, B widened as it is loaded; include inside namespace engine::avx2.
struct Bytes {
  using V = __m256i;  // 8 int32
  using A = int16_t;  // how A is held
  static constexpr int width = 8, group = 2, registers = 16;

  static V zero() { return _mm256_setzero_si256(); }
  static void store(int32_t* p, V x) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), x); }
  static V repeat(const A* group_of_a) {
    int32_t pair;
    __builtin_memcpy(&pair, group_of_a, 4);
    return _mm256_set1_epi32(pair);
  }
  static V load_b(const int8_t* p) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static V dot(V a, V b, V sum) { return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b)); }
};
