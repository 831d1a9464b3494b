// Packing of weights and, where sums are of 16-bit pairs, of rows of data.
// A panel holds for each piece its groups of k by columns by Bytes::group, padded with zeros.
#pragma once

#include "kernels/byteconv/finish.inl"

namespace engine::ENGINE_TIER {
namespace {

static int64_t whole_groups(int64_t length) { return (length + Bytes::group - 1) / Bytes::group; }
static int64_t row_groups(int64_t pieces, int64_t length) { return pieces * whole_groups(length); }
static int64_t whole_lanes(int64_t n) { return (n + kLanes - 1) / kLanes * kLanes; }

static int64_t panel_width(int64_t n, int64_t n0) { return n - n0 >= kBytePanel ? kBytePanel : whole_lanes(n - n0); }

static const int8_t* panel_at(const void* packed, int64_t n0, int64_t groups) {
  return static_cast<const int8_t*>(packed) + n0 * groups * Bytes::group;
}

static size_t packed_weight_bytes(int64_t n, int64_t pieces, int64_t length) {
  return size_t(whole_lanes(n) * row_groups(pieces, length) * Bytes::group);
}

// An item is a group of k of a panel.
static int64_t weight_pack_items(int64_t n, int64_t pieces, int64_t length) {
  return (n + kBytePanel - 1) / kBytePanel * row_groups(pieces, length);
}

static void pack_weights(const int8_t* w, int64_t n, int64_t pieces, int64_t length, int64_t begin, int64_t end, void* packed) {
  const int64_t groups = whole_groups(length), all = pieces * groups, k = pieces * length;
  for (int64_t i = begin; i < end; ++i) {
    const int64_t n0 = i / all * kBytePanel, g = i % all, width = panel_width(n, n0);
    int8_t* to = static_cast<int8_t*>(packed) + (n0 * all + g * width) * Bytes::group;
    const int8_t* from = w + g / groups * length;
    const int64_t left = length - g % groups * Bytes::group, columns = n - n0 < width ? n - n0 : width;
    if (left < Bytes::group || columns < width) memset(to, 0, size_t(width * Bytes::group));
    from += g % groups * Bytes::group + n0 * k;
    if (left >= Bytes::group)
      for (int64_t j = 0; j < columns; ++j) memcpy(to + j * Bytes::group, from + j * k, Bytes::group);
    else
      for (int64_t j = 0; j < columns; ++j) memcpy(to + j * Bytes::group, from + j * k, size_t(left));
  }
}

constexpr bool kReadsBytes = sizeof(Bytes::A) == 1;

static int64_t round_up_64(int64_t bytes) { return (bytes + 63) / 64 * 64; }

// Row sums, then rows as the micro-kernel reads them and where each begins.
static size_t rows_scratch_bytes(int64_t m, int64_t pieces, int64_t length) {
  int64_t bytes = round_up_64(m * 4);
  if (!kReadsBytes) bytes += round_up_64(m * int64_t(sizeof(void*))) + m * row_groups(pieces, length) * Bytes::group * int64_t(sizeof(Bytes::A));
  return size_t(bytes);
}

static void widen_rows(const ByteRows& g, const Bytes::A** rows, Bytes::A* to) {
  const int64_t padded = whole_groups(g.length) * Bytes::group;
  for (int64_t i = 0; i < g.m; ++i) {
    rows[i] = to;
    for (int64_t s = 0; s < g.pieces; ++s, to += padded) {
      const uint8_t* from = g.rows[i * g.pieces + s];
      for (int64_t p = 0; p < g.length; ++p) to[p] = Bytes::A(from[p]);
      for (int64_t p = g.length; p < padded; ++p) to[p] = 0;
    }
  }
}

static void sum_rows(const ByteRows& g, int32_t* sums) {
  for (int64_t i = 0; i < g.m; ++i) {
    uint32_t sum = 0;
    for (int64_t s = 0; s < g.pieces; ++s) {
      const uint8_t* from = g.rows[i * g.pieces + s];
      for (int64_t p = 0; p < g.length; ++p) sum += from[p];
    }
    sums[i] = int32_t(sum);
  }
}

}  // namespace
}  // namespace engine::ENGINE_TIER
