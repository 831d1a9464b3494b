#include "kernels/copy/strided.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <type_traits>

namespace engine {
namespace {

struct Wide {
  uint64_t lo, hi;
};

constexpr int64_t kTile = 16;
constexpr int64_t kItemElements = 16384;

}  // namespace

int64_t element_bytes(Element element) {
  constexpr int64_t bytes[] = {1, 2, 4, 8, 16, int64_t(sizeof(std::string))};
  return bytes[int(element)];
}

StridedCopy::StridedCopy(Element element, int rank, const int64_t* dims, const int64_t* src, const int64_t* dst)
    : element_(element) {
  Axis axes[kMaxRank];
  int count = 0;
  for (int i = 0; i < rank; ++i) {
    if (dims[i] == 0) return;
    if (dims[i] == 1) continue;
    Axis next{dims[i], src[i], dst[i]};
    Axis* before = count ? &axes[count - 1] : nullptr;
    if (before && before->src == next.src * next.n && before->dst == next.dst * next.n)
      *before = {before->n * next.n, next.src, next.dst};
    else axes[count++] = next;
  }
  last_ = count ? axes[--count] : Axis{1, 1, 1};
  if (last_.dst == 1 && last_.src == 1) kind_ = Kind::Run;
  else if (last_.dst == 1 && last_.src == 0) kind_ = Kind::Fill;
  else kind_ = Kind::Strided;
  if (kind_ == Kind::Strided) {
    for (int i = count - 1; i >= 0 && kind_ == Kind::Strided; --i) {
      if (axes[i].src != 1) continue;
      row_ = axes[i];
      std::copy(axes + i + 1, axes + count, axes + i);
      --count;
      kind_ = Kind::Tiled;
    }
  }
  row_step_ = std::min(row_.n, kTile);
  last_step_ = std::min(last_.n, kind_ == Kind::Tiled ? kItemElements / kTile : kItemElements);
  std::copy(axes, axes + count, loop_);
  loop_[count] = {(row_.n + row_step_ - 1) / row_step_, row_.src * row_step_, row_.dst * row_step_};
  loop_[count + 1] = {(last_.n + last_step_ - 1) / last_step_, last_.src * last_step_, last_.dst * last_step_};
  loops_ = count + 2;
  items_ = 1;
  for (int i = 0; i < loops_; ++i) items_ *= loop_[i].n;
  double per_element = 0.04 * double(element_bytes(element_));
  if (kind_ == Kind::Strided || kind_ == Kind::Tiled) per_element += 0.8;
  if (element_ == Element::String) per_element = 25;
  ns_per_item_ = 3 + per_element * double(row_step_) * double(last_step_);
}

template <class T>
void StridedCopy::copy_item(const T* src, T* dst, int64_t rows, int64_t n) const {
  switch (kind_) {
    case Kind::Run:
      if constexpr (std::is_trivially_copyable_v<T>) {
        if (n * int64_t(sizeof(T)) > 64) {
          std::memcpy(dst, src, size_t(n) * sizeof(T));
          return;
        }
      }
      for (int64_t i = 0; i < n; ++i) dst[i] = src[i];
      return;
    case Kind::Fill: std::fill_n(dst, n, *src); return;
    case Kind::Strided: {
      const int64_t s = last_.src, d = last_.dst;
      if (d == 1) {
        for (int64_t i = 0; i < n; ++i) dst[i] = src[i * s];
      } else {
        for (int64_t i = 0; i < n; ++i) dst[i * d] = src[i * s];
      }
      return;
    }
    case Kind::Tiled: {
      const int64_t s = last_.src, d = last_.dst, row = row_.dst;
      for (int64_t at = 0; at < n; at += kTile) {
        const int64_t width = std::min(kTile, n - at);
        const T* from = src + at * s;
        T* to = dst + at * d;
        if (width == kTile && d == 1) {
          for (int64_t r = 0; r < rows; ++r)
            for (int64_t i = 0; i < kTile; ++i) to[r * row + i] = from[r + i * s];
        } else {
          for (int64_t r = 0; r < rows; ++r)
            for (int64_t i = 0; i < width; ++i) to[r * row + i * d] = from[r + i * s];
        }
      }
      return;
    }
  }
}

template <class T>
void StridedCopy::run_typed(const T* src, T* dst, int64_t begin, int64_t end) const {
  int64_t index[kMaxRank + 2];
  int64_t rest = begin;
  for (int i = loops_ - 1; i >= 0; --i) {
    index[i] = rest % loop_[i].n;
    rest /= loop_[i].n;
    src += index[i] * loop_[i].src;
    dst += index[i] * loop_[i].dst;
  }
  for (int64_t item = begin; item < end; ++item) {
    int64_t rows = std::min(row_step_, row_.n - index[loops_ - 2] * row_step_);
    int64_t n = std::min(last_step_, last_.n - index[loops_ - 1] * last_step_);
    copy_item(src, dst, rows, n);
    for (int i = loops_ - 1; i >= 0; --i) {
      src += loop_[i].src;
      dst += loop_[i].dst;
      if (++index[i] < loop_[i].n) break;
      src -= loop_[i].n * loop_[i].src;
      dst -= loop_[i].n * loop_[i].dst;
      index[i] = 0;
    }
  }
}

void StridedCopy::run(const void* src, void* dst, int64_t begin, int64_t end) const {
  switch (element_) {
    case Element::Bits8: run_typed(static_cast<const uint8_t*>(src), static_cast<uint8_t*>(dst), begin, end); break;
    case Element::Bits16: run_typed(static_cast<const uint16_t*>(src), static_cast<uint16_t*>(dst), begin, end); break;
    case Element::Bits32: run_typed(static_cast<const uint32_t*>(src), static_cast<uint32_t*>(dst), begin, end); break;
    case Element::Bits64: run_typed(static_cast<const uint64_t*>(src), static_cast<uint64_t*>(dst), begin, end); break;
    case Element::Bits128: run_typed(static_cast<const Wide*>(src), static_cast<Wide*>(dst), begin, end); break;
    case Element::String: run_typed(static_cast<const std::string*>(src), static_cast<std::string*>(dst), begin, end); break;
  }
}

}  // namespace engine
