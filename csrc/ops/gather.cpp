#include <cstring>

#include "ops/axes.h"
#include "ops/element.h"
#include "ops/indices.h"
#include "ops/pieces.h"

namespace engine {
namespace {

constexpr int64_t kPiece = 32768;  // elements of a long slice between two looks at the clock

class Gather final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kAll));
    ENGINE_TRY(c.require(1, dtypes::kIndex));
    c.set(0, c.dtype(0));
    if (!c.has_rank(0)) return {};
    const Shape& in = c.shape(0);
    ENGINE_ASSIGN(axis_, normalize_axis(c.attr_int("axis", 0), in.rank()));
    if (!c.has_rank(1)) return {};
    const Shape& indices = c.shape(1);
    int rank = in.rank() - 1 + indices.rank();
    if (rank > kMaxRank) return error(Code::InvalidModel, "the result has %d dimensions; at most %d are supported", rank, kMaxRank);
    Shape out;
    for (int i = 0; i < axis_; ++i) out.push_back(in[i]);
    for (int64_t d : indices) out.push_back(d);
    for (int i = axis_ + 1; i < in.rank(); ++i) out.push_back(in[i]);
    c.set(0, c.dtype(0), out);
    if (c.known(1) && in.known()) set_view_of_one(c);
    return {};
  }

  Status prepare(PrepareContext& c) override {
    const Shape& in = c.shape(0);
    outer_ = in.elements(0, axis_);
    length_ = in[axis_];
    inner_ = in.elements(axis_ + 1, in.rank());
    return {};
  }

  Status run(OpRun& r) const override {
    const Tensor& indices = r.in(1);
    DType dtype = r.in(0).dtype;
    IndexCheck check;
    Status status;
    visit_element(dtype, [&]<class T>() { status = take<T>(r, Indices(indices), indices.elements(), dtype, check); });
    ENGINE_TRY(std::move(status));
    return check.status(indices, length_);
  }

 private:
  // One element of an outermost axis lies in one piece. Small pieces are copied: cheaper than a plan for each index.
  void set_view_of_one(InferContext& c) const {
    constexpr int64_t kLargePiece = 8192;
    const Shape& in = c.shape(0);
    if (c.shape(1).elements() != 1 || in.elements(0, axis_) != 1) return;
    if (in.elements(axis_ + 1, in.rank()) * dtype_size(c.dtype(0)) < kLargePiece || !c.value(1)) return;
    int64_t index = integer_at(*c.value(1), 0), length = in[axis_];
    if (index < -length || index >= length) return;
    if (index < 0) index += length;
    if (c.value(0) && reinterpret_cast<uintptr_t>(c.value(0)->data) % size_t(dtype_size(c.dtype(0))) != 0) return;
    c.set_view(0, 0, index * in.elements(axis_ + 1, in.rank()) * dtype_size(c.dtype(0)));
  }

  // The table need not be aligned: see passes/align_constants.h.
  template <class T>
  static void move(const char* from, T* to, int64_t n) {
    if constexpr (std::is_same_v<T, std::string>) copy_run(reinterpret_cast<const T*>(from), to, n);
    else std::memcpy(to, from, size_t(n) * sizeof(T));
  }

  template <class T>
  Status take(OpRun& r, const Indices indices, int64_t count, DType dtype, IndexCheck& check) const {
    const char* in = r.in<char>(0);
    T* out = r.out<T>(0);
    const int64_t n = inner_, length = length_;
    return r.parallel(outer_ * count, 3 + move_ns(dtype) * double(n), [&](int64_t begin, int64_t end, int worker) {
      int64_t block = begin / count, k = begin % count;
      for (int64_t item = begin; item < end; ++item) {
        int64_t index = check.wrap(indices[k], length, k);
        if (index >= 0) {
          const char* from = in + (block * length + index) * n * int64_t(sizeof(T));
          if (n == 1) move(from, out + item, 1);
          else if (!within_item(r, worker, n, kPiece, [&](int64_t first, int64_t last) {
                     move(from + first * int64_t(sizeof(T)), out + item * n + first, last - first);
                   }))
            return;
        }
        if (++k == count) {
          k = 0;
          ++block;
        }
      }
    });
  }

  int axis_ = 0;
  int64_t outer_ = 0, length_ = 0, inner_ = 0;
};

}  // namespace

void op_gather(OpTable& t) {
  for (int since : {1, 11, 13}) t.add<Gather>("", "Gather", since, 2, 2);
}

}  // namespace engine
