// From integer sums to results. Included inside a tier's namespace after activate_row.inl and int8_micro.inl.

// Scaled sums of one row: to[j] = (sums[j] + bias[j]) * row_scale * scale[j].
static void scale_row(const GemmInt8& g, const int32_t* sums, int64_t row, int64_t column, int columns, float* to) {
  const float row_scale = g.row_scales ? g.row_scales[row] : 1.0f;
  for (int j = 0; j < columns; ++j) to[j] = float(sums[j]) * row_scale;
  if (g.column_scales) {
    const float* scales = g.column_scales + column;
    for (int j = 0; j < columns; ++j) to[j] *= scales[j];
  } else {
    for (int j = 0; j < columns; ++j) to[j] *= g.scale;
  }
}

static void finish_float(const GemmInt8& g, float* x, int64_t column, int columns, float* c) {
  const float* bias = g.float_bias ? g.float_bias + column : nullptr;
  for (int j = 0; j < columns; ++j) c[j] = bias ? x[j] + bias[j] : x[j];
  if (g.activation != Activation::none) activate_row(c, columns, g.activation, g.activation_a, g.activation_b);
}

// Values are within +-2^9 of zero after the limits, where adding 1.5 * 2^23 rounds half to even. NaN becomes the
// lowest.
template <class T>
void finish_bytes(const GemmInt8& g, int32_t type_low, int32_t type_high, const float* x, int columns, T* c) {
  const bool own = g.c_low == 0 && g.c_high == 0;
  const float low = float((own ? type_low : g.c_low) - g.c_zero), high = float((own ? type_high : g.c_high) - g.c_zero);
  for (int j = 0; j < columns; ++j) {
    float v = x[j] > low ? x[j] : low;
    v = v < high ? v : high;
    c[j] = T(int32_t((v + 12582912.0f) - 12582912.0f) + g.c_zero);
  }
}

static void finish_row(const GemmInt8& g, int32_t* sums, int64_t row, int64_t column, int columns) {
  if (g.bias)
    for (int j = 0; j < columns; ++j) sums[j] = int32_t(uint32_t(sums[j]) + uint32_t(g.bias[column + j]));
  const int64_t at = row * g.c_stride + column;
  if (g.result == Int8Result::s32) {
    int32_t* c = static_cast<int32_t*>(g.c) + at;
    for (int j = 0; j < columns; ++j) c[j] = sums[j];
    return;
  }
  alignas(64) float x[kBytePanel];
  scale_row(g, sums, row, column, columns, x);
  switch (g.result) {
    case Int8Result::f32:
      return finish_float(g, x, column, columns, static_cast<float*>(g.c) + at);
    case Int8Result::u8:
      return finish_bytes(g, 0, 255, x, columns, static_cast<uint8_t*>(g.c) + at);
    default:
      return finish_bytes(g, -128, 127, x, columns, static_cast<int8_t*>(g.c) + at);
  }
}
