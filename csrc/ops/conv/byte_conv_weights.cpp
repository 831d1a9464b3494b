// Packed weights.
#include <algorithm>
#include <vector>

#include "base/checked.h"
#include "ops/conv/byte_conv.h"
#include "ops/pieces.h"

namespace engine {
namespace {

constexpr double kNsPerWeight = 1;
constexpr int64_t kPiece = 32768;  // weights that are turned between looks at the clock
constexpr int64_t kBytesAtOnce = 1024;

int32_t flip_and_sum(const uint8_t* w, uint8_t flip, int64_t n, int8_t* turned) {
  int32_t sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += turned[i] = int8_t(w[i] ^ flip);
  return sum;
}

// Weights [begin, begin + n) of [channel][tap], the first of them at `w`, go where they are in [tap][channel].
void spread(const int8_t* w, int64_t n, int64_t begin, int64_t taps, int64_t channels, int8_t* turned) {
  for (int64_t t = 0; t < taps; ++t) {
    const int64_t first = (begin - t + taps - 1) / taps;
    int8_t* to = turned + t * channels + first;
    for (int64_t i = first * taps + t - begin; i < n; i += taps) *to++ = w[i];
  }
}

int64_t aligned(int64_t bytes) { return round_up(bytes, int64_t(kAlignment)); }

int64_t value_at(const Tensor* t, int64_t i) { return t ? integer_at(*t, t->elements() == 1 ? 0 : i) : 0; }

}  // namespace

int64_t ByteConv::packed_group_bytes() const {
  return aligned(int64_t(kernels_->packed_bytes(shape_.group_out(), pieces_.pieces(), pieces_.length())));
}

int64_t ByteConv::weight_bytes() const {
  int64_t sums = aligned(shape_.c_out * 4);
  if (depthwise()) return aligned(int64_t(depthwise_weight_bytes(period_, shape_.taps()))) + sums;
  return shape_.groups * packed_group_bytes() + sums;
}

ByteConv::Weights ByteConv::weights_at(char* memory) const {
  return {memory, reinterpret_cast<int32_t*>(memory + weight_bytes() - aligned(shape_.c_out * 4))};
}

int32_t ByteConv::turn_weights(const uint8_t* w, int64_t channel, int64_t begin, int64_t end, int8_t* turned) const {
  const int64_t taps = shape_.taps(), depth = shape_.group_in();
  const uint8_t flip = w_type_ == DType::Uint8 ? 128 : 0;
  w += channel * depth * taps, turned += channel * depth * taps;
  if (taps == 1) return flip_and_sum(w + begin, flip, end - begin, turned + begin);
  int32_t sum = 0;
  int8_t flipped[kBytesAtOnce];
  for (int64_t i = begin * taps, n; i < end * taps; i += n) {
    n = std::min(kBytesAtOnce, end * taps - i);
    sum += flip_and_sum(w + i, flip, n, flipped);
    spread(flipped, n, i, taps, depth, turned);
  }
  return sum;
}

int64_t ByteConv::pack_items() const { return shape_.groups * kernels_->pack_items(shape_.group_out(), pieces_.pieces(), pieces_.length()); }

void ByteConv::pack_turned(const int8_t* turned, int64_t begin, int64_t end, char* packed) const {
  const int64_t n = shape_.group_out(), k = shape_.group_in() * shape_.taps(), each = pack_items() / shape_.groups;
  for (int64_t i = begin; i < end;) {
    const int64_t group = i / each, first = i % each, last = std::min(each, first + end - i);
    kernels_->pack(turned + group * n * k, n, pieces_.pieces(), pieces_.length(), first, last, packed + group * packed_group_bytes());
    i += last - first;
  }
}

void ByteConv::fill_weights(const Source& source, char* memory) const {
  const Weights to = weights_at(memory);
  std::vector<int8_t> turned(static_cast<size_t>(shape_.weight_count()));
  for (int64_t j = 0; j < shape_.c_out; ++j)
    to.sums[j] = turn_weights(source(inputs.w)->as<uint8_t>(), j, 0, shape_.group_in(), turned.data());
  if (depthwise()) fill_depthwise_weights(source, memory);
  else pack_turned(turned.data(), 0, pack_items(), to.packed);
}

Status ByteConv::make_weights(OpRun& r, const Source& source, int8_t* turned, char* memory) const {
  const Weights to = weights_at(memory);
  const int64_t k = shape_.group_in() * shape_.taps(), channels = std::max<int64_t>(1, kPiece / shape_.taps());
  ENGINE_TRY(r.parallel(shape_.c_out, double(k) * kNsPerWeight, [&](int64_t begin, int64_t end, int worker) {
    for (int64_t j = begin; j < end; ++j) {
      to.sums[j] = 0;
      bool whole = within_item(r, worker, shape_.group_in(), channels, [&](int64_t first, int64_t last) {
        to.sums[j] += turn_weights(source(inputs.w)->as<uint8_t>(), j, first, last, turned);
      });
      if (!whole) return;
    }
  }));
  if (depthwise()) {
    fill_depthwise_weights(source, memory);
    return {};
  }
  const double ns = double(shape_.groups * packed_group_bytes()) * kNsPerWeight / double(pack_items());
  return r.parallel(pack_items(), ns, [&](int64_t begin, int64_t end, int) { pack_turned(turned, begin, end, to.packed); });
}

bool ByteConv::weights_are_bytes(const Source& source) const {
  const Tensor &w = *source(inputs.w), *zero = source(inputs.w_zero);
  for (int64_t i = 0; i < w.elements(); ++i) {
    int64_t value = integer_at(w, i) - value_at(zero, i / shape_.taps());
    if (value < -128 || value > 127) return false;
  }
  return true;
}

void ByteConv::fill_depthwise_weights(const Source& source, char* memory) const {
  const int64_t taps = shape_.taps();
  const Tensor &w = *source(inputs.w), *zero = source(inputs.w_zero);
  std::vector<int16_t> spread(static_cast<size_t>(period_ * taps));
  for (int64_t p = 0; p < period_; ++p) {
    const int64_t channel = p % shape_.c_out;
    for (int64_t t = 0; t < taps; ++t) spread[size_t(p * taps + t)] = int16_t(integer_at(w, channel * taps + t) - value_at(zero, channel));
  }
  if (wide_) pack_depthwise_wide(spread.data(), period_, taps, memory);
  else pack_depthwise(spread.data(), kernels_->order, period_, taps, memory);
}

}  // namespace engine
