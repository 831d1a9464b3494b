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

constexpr int64_t kItemElements = 16384;
constexpr int64_t kBlockBytes = 16384;
constexpr int64_t kBlockRows = 64;

// Pointers to widened elements are not aligned.
template <class T>
void move_element(T* dst, const T* src) {
  if constexpr (std::is_trivially_copyable_v<T>) std::memcpy(static_cast<void*>(dst), static_cast<const void*>(src), sizeof(T));
  else *dst = *src;
}

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
  widen(axes, count, element_);
  choose_kind(axes, count);
  choose_steps();
  std::copy(axes, axes + count, loop_);
  loop_[count] = {(row_.n + row_step_ - 1) / row_step_, row_.src * row_step_, row_.dst * row_step_};
  loop_[count + 1] = {(last_.n + last_step_ - 1) / last_step_, last_.src * last_step_, last_.dst * last_step_};
  loops_ = count + 2;
  items_ = 1;
  for (int i = 0; i < loops_; ++i) items_ *= loop_[i].n;
  double per_element = 0.04 * double(element_bytes(element_));
  if (kind_ == Kind::Strided) per_element += 0.8;
  if (kind_ == Kind::Blocked) per_element += 0.2;
  if (element_ == Element::String) per_element = 25;
  ns_per_item_ = 3 + per_element * double(row_step_) * double(last_step_);
}

void StridedCopy::widen(Axis* axes, int& count, Element& element) {
  if (count < 2 || element == Element::String) return;
  const Axis run = axes[count - 1];
  if (run.src != 1 || run.dst != 1 || run.n > 16) return;
  int wide = 0;
  while (wide < int(Element::Bits128) && element_bytes(Element(wide)) != run.n * element_bytes(element)) ++wide;
  if (element_bytes(Element(wide)) != run.n * element_bytes(element)) return;
  for (int i = 0; i + 1 < count; ++i)
    if (axes[i].src % run.n != 0 || axes[i].dst % run.n != 0) return;
  --count;
  for (int i = 0; i < count; ++i) axes[i] = {axes[i].n, axes[i].src / run.n, axes[i].dst / run.n};
  element = Element(wide);
}

void StridedCopy::choose_kind(Axis* axes, int& count) {
  last_ = count ? axes[--count] : Axis{1, 1, 1};
  kind_ = Kind::Strided;
  if (last_.dst != 1) return;
  if (last_.src == 1) kind_ = Kind::Run;
  if (last_.src == 0) kind_ = Kind::Fill;
  if (kind_ != Kind::Strided || element_ == Element::String) return;
  for (int i = count - 1; i >= 0; --i) {
    if (axes[i].src != 1) continue;
    row_ = axes[i];
    std::copy(axes + i + 1, axes + count, axes + i);
    --count;
    kind_ = Kind::Blocked;
    block_ = transpose_kernels().block[int(element_)];
    return;
  }
}

void StridedCopy::choose_steps() {
  row_step_ = std::min(row_.n, kBlockRows);
  last_step_ = std::min(last_.n, kItemElements);
  if (kind_ == Kind::Blocked) last_step_ = std::min(last_.n, kBlockBytes / element_bytes(element_) / row_step_);
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
      for (int64_t i = 0; i < n; ++i) move_element(dst + i, src + i);
      return;
    case Kind::Fill:
      for (int64_t i = 0; i < n; ++i) move_element(dst + i, src);
      return;
    case Kind::Strided: {
      const int64_t s = last_.src, d = last_.dst;
      if (d == 1) {
        for (int64_t i = 0; i < n; ++i) move_element(dst + i, src + i * s);
      } else {
        for (int64_t i = 0; i < n; ++i) move_element(dst + i * d, src + i * s);
      }
      return;
    }
    case Kind::Blocked: block_(src, last_.src, dst, row_.dst, size_t(rows), size_t(n)); return;
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
