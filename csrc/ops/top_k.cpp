#include <algorithm>
#include <cmath>

#include "ops/axes.h"
#include "ops/element.h"
#include "ops/order_key.h"
#include "ops/tiled_sort.h"

namespace engine {
namespace {

constexpr int64_t kBlock = 8192;          // elements that one tile looks at in a long row
constexpr int64_t kMostByHeap = 512;      // up to this k a heap of the best is kept, above it all are sorted
constexpr double kLongRowNs = 150e3;

class TopK final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kNumeric));
    c.set(0, c.dtype(0));
    c.set(1, DType::Int64);
    flip_ = c.attr_int("largest", 1) != 0 ? UINT64_MAX : 0;
    int64_t k = kUnknownDim;
    if (c.opset() < 10) {
      if (!c.has("k")) return error(Code::InvalidModel, "attribute k is missing");
      k = c.attr_int("k", 0);
    } else {
      ENGINE_TRY(c.require(1, dtypes::kIndex));
      ENGINE_TRY(require_scalar(c, 1));
      if (c.value(1)) k = c.integers(1)[0];
    }
    if (k < 0 && (c.opset() < 10 || c.value(1))) return error(Code::InvalidModel, "k is %lld", (long long)k);
    if (!c.has_rank(0)) return {};
    Shape out = c.shape(0);
    ENGINE_ASSIGN(axis_, normalize_axis(c.attr_int("axis", -1), out.rank()));
    if (k != kUnknownDim && out[axis_] != kUnknownDim && k > out[axis_])
      return error(Code::InvalidModel, "k is %lld, axis %d has %lld elements", (long long)k, axis_, (long long)out[axis_]);
    out[axis_] = k;
    c.set(0, c.dtype(0), out);
    c.set(1, DType::Int64, out);
    return {};
  }

  Status prepare(PrepareContext& c) override {
    const Shape& in = c.shape(0);
    outer_ = in.elements(0, axis_);
    length_ = in[axis_];
    inner_ = in.elements(axis_ + 1, in.rank());
    k_ = c.has_output(0) ? c.output_shape(0)[axis_] : c.output_shape(1)[axis_];
    reader_ = key_reader(c.dtype(0));
    scanner_ = key_scanner(c.dtype(0));
    by_heap_ = k_ <= kMostByHeap && k_ * 4 <= length_;
    double log_k = std::log2(double(k_) + 2);
    row_ns_ = by_heap_ ? 1.0 * double(length_) + 40.0 * double(k_) * log_k : 10.0 * double(length_) + 6.0 * double(k_) * log_k;
    long_rows_ = row_ns_ > kLongRowNs;
    int64_t room = int64_t(sizeof(KeyedIndex)) * (by_heap_ && !long_rows_ ? k_ : length_);
    if (long_rows_) c.need_shared_scratch(2 * room);
    else c.need_scratch(room);
    return {};
  }

  Status run(OpRun& r) const override {
    if (k_ == 0) return {};
    if (!long_rows_) {
      return r.parallel(outer_ * inner_, row_ns_, [&](int64_t begin, int64_t end, int worker) {
        KeyedIndex* best = r.scratch<KeyedIndex>(worker);
        for (int64_t row = begin; row < end; ++row) {
          if (by_heap_) select_by_heap(r, row, 0, length_, k_, best);
          else select_by_sorting(r, row, best);
          put(r, row, best, 0, k_);
        }
      });
    }
    for (int64_t row = 0; row < outer_ * inner_; ++row) ENGINE_TRY(long_row(r, row));
    return {};
  }

 private:
  int64_t start_of(int64_t row) const { return row / inner_ * length_ * inner_ + row % inner_; }

  // The k first of elements [begin, end) of a row into best[0, k), sorted. REQUIRES: k <= end - begin.
  void select_by_heap(OpRun& r, int64_t row, int64_t begin, int64_t end, int64_t k, KeyedIndex* best) const {
    const void* x = r.in(0).data;
    const int64_t start = start_of(row);
    for (int64_t i = 0; i < k; ++i) {
      reader_(x, start + (begin + i) * inner_, 1, 1, flip_, &best[i].key);
      best[i].index = begin + i;
    }
    std::make_heap(best, best + k);
    for (int64_t i = begin + k;; ++i) {
      i = scanner_(x, start, inner_, i, end, flip_, best[0].index);
      if (i >= end) break;
      std::pop_heap(best, best + k);
      reader_(x, start + i * inner_, 1, 1, flip_, &best[k - 1].key);
      best[k - 1].index = i;
      std::push_heap(best, best + k);
    }
    std::sort_heap(best, best + k);
  }

  void read_records(OpRun& r, int64_t row, int64_t begin, int64_t end, KeyedIndex* out) const {
    constexpr int64_t kKeys = 256;
    uint64_t keys[kKeys];
    for (int64_t at = begin; at < end; at += kKeys) {
      const int64_t n = std::min(kKeys, end - at);
      reader_(r.in(0).data, start_of(row) + at * inner_, inner_, n, flip_, keys);
      for (int64_t i = 0; i < n; ++i) out[at + i] = {keys[i], at + i};
    }
  }

  void select_by_sorting(OpRun& r, int64_t row, KeyedIndex* all) const {
    read_records(r, row, 0, length_, all);
    if (k_ < length_) std::nth_element(all, all + k_ - 1, all + length_);
    std::sort(all, all + k_);
  }

  Status long_row(OpRun& r, int64_t row) const {
    KeyedIndex* all = r.shared_scratch<KeyedIndex>();
    const int64_t blocks = ceil_div(length_, kBlock);
    int64_t count = length_;
    if (by_heap_) {
      const int64_t last = length_ - (blocks - 1) * kBlock;
      count = (blocks - 1) * k_ + std::min(k_, last);
      ENGINE_TRY(r.parallel(blocks, 1.0 * kBlock + 300.0 * double(k_), [&](int64_t begin, int64_t end, int) {
        for (int64_t b = begin; b < end; ++b) {
          int64_t first = b * kBlock, stop = std::min(length_, first + kBlock);
          select_by_heap(r, row, first, stop, std::min(k_, stop - first), all + b * k_);
        }
      }));
    } else {
      ENGINE_TRY(r.parallel(blocks, 3.0 * kBlock, [&](int64_t begin, int64_t end, int) {
        read_records(r, row, begin * kBlock, std::min(length_, end * kBlock), all);
      }));
    }
    ENGINE_TRY(tiled_sort(r, all, all + length_, count, 2, std::less<KeyedIndex>()));
    return r.parallel(k_, 4, [&](int64_t begin, int64_t end, int) { put(r, row, all, begin, end); });
  }

  // Places [begin, end) of a row's answer.
  void put(OpRun& r, int64_t row, const KeyedIndex* best, int64_t begin, int64_t end) const {
    const int64_t from = start_of(row), to = row / inner_ * k_ * inner_ + row % inner_;
    if (r.wants(1))
      for (int64_t i = begin; i < end; ++i) r.out<int64_t>(1)[to + i * inner_] = best[i].index;
    if (!r.wants(0)) return;
    visit_width(r.in(0).dtype, [&]<class T>() {
      const T* x = r.in<T>(0);
      T* y = r.out<T>(0);
      for (int64_t i = begin; i < end; ++i) y[to + i * inner_] = x[from + best[i].index * inner_];
    });
  }

  uint64_t flip_ = UINT64_MAX;
  KeyReader reader_ = nullptr;
  KeyScanner scanner_ = nullptr;
  int axis_ = 0;
  int64_t outer_ = 0, length_ = 0, inner_ = 0, k_ = 0;
  bool by_heap_ = false, long_rows_ = false;
  double row_ns_ = 0;
};

}  // namespace

void op_top_k(OpTable& t) {
  t.add<TopK>("", "TopK", 1, 1, 1, 2, 2);
  for (int since : {10, 11, 24}) t.add<TopK>("", "TopK", since, 2, 2, 2, 2);
}

}  // namespace engine
