#include <cmath>

#include "ops/axes.h"
#include "ops/element.h"

namespace engine {
namespace {

// A number as int64; those beyond its range and NaN become INT64_MIN, which no depth reaches.
template <class T>
int64_t to_integer(T value) {
  if constexpr (std::is_same_v<T, uint64_t>) return value > uint64_t(INT64_MAX) ? INT64_MIN : int64_t(value);
  else if constexpr (std::is_integral_v<T>) return int64_t(value);
  else {
    double d = double(value);
    return d > -9.2e18 && d < 9.2e18 ? int64_t(d) : INT64_MIN;
  }
}

class OneHot final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kNumeric));
    ENGINE_TRY(c.require(1, dtypes::kNumeric));
    ENGINE_TRY(c.require(2, dtypes::kAll));
    ENGINE_TRY(require_scalar(c, 1));
    c.set(0, c.dtype(2));
    if (c.known(2) && !(c.shape(2) == Shape{2}))
      return error(Code::InvalidModel, "values has shape %s; [2] is allowed", c.shape(2).text().c_str());
    if (!c.has_rank(0)) return {};
    Shape out = c.shape(0);
    if (out.rank() == kMaxRank) return error(Code::InvalidModel, "the result has more than %d dimensions", kMaxRank);
    ENGINE_ASSIGN(axis_, normalize_axis(c.attr_int("axis", -1), out.rank() + 1));
    out.insert(axis_, kUnknownDim);
    if (c.value(1)) {
      double depth = number_at(*c.value(1), 0);
      if (!(depth >= 0 && depth < 9e18)) return error(Code::InvalidModel, "depth is %g", depth);
      out[axis_] = contains(dtypes::kIntegers, c.dtype(1)) ? integer_at(*c.value(1), 0) : int64_t(depth);
    }
    c.set(0, c.dtype(2), out);
    return {};
  }

  Status prepare(PrepareContext& c) override {
    const Shape& out = c.output_shape(0);
    outer_ = out.elements(0, axis_);
    depth_ = out[axis_];
    inner_ = out.elements(axis_ + 1, out.rank());
    c.need_shared_scratch(c.shape(0).elements() * int64_t(sizeof(int64_t)));
    return {};
  }

  Status run(OpRun& r) const override {
    ENGINE_TRY(read_indices(r));
    Status status;
    visit_element(r.in(2).dtype, [&]<class T>() { status = inner_ == 1 ? put_last<T>(r) : put<T>(r); });
    return status;
  }

 private:
  // Indices into shared scratch, in [0, depth), or -1.
  Status read_indices(OpRun& r) const {
    int64_t* out = r.shared_scratch<int64_t>();
    Status status;
    visit_dtype(NumericTypes{}, r.in(0).dtype, [&]<class T>() {
      const T* in = r.in<T>(0);
      status = r.parallel(r.in(0).elements(), 2, [&](int64_t begin, int64_t end, int) {
        for (int64_t i = begin; i < end; ++i) {
          int64_t index = to_integer(in[i]);
          if (index < 0 && index >= -depth_) index += depth_;
          out[i] = index >= 0 && index < depth_ ? index : -1;
        }
      });
    });
    return status;
  }

  template <class T>
  Status put_last(OpRun& r) const {
    const int64_t* indices = r.shared_scratch<int64_t>();
    const T* values = r.in<T>(2);
    T* out = r.out<T>(0);
    ENGINE_TRY(r.parallel(outer_ * depth_, move_ns(r.in(2).dtype) + 0.1,
                          [&](int64_t begin, int64_t end, int) { std::fill(out + begin, out + end, values[0]); }));
    return r.parallel(outer_, 2, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i)
        if (indices[i] >= 0) out[i * depth_ + indices[i]] = values[1];
    });
  }

  template <class T>
  Status put(OpRun& r) const {
    const int64_t* indices = r.shared_scratch<int64_t>();
    const T* values = r.in<T>(2);
    T* out = r.out<T>(0);
    return r.parallel(outer_ * depth_, 3 + double(inner_), [&](int64_t begin, int64_t end, int) {
      for (int64_t item = begin; item < end; ++item) {
        const int64_t* row = indices + item / depth_ * inner_;
        const int64_t d = item % depth_;
        for (int64_t k = 0; k < inner_; ++k) out[item * inner_ + k] = row[k] == d ? values[1] : values[0];
      }
    });
  }

  int axis_ = 0;
  int64_t outer_ = 0, depth_ = 0, inner_ = 0;
};

}  // namespace

void op_one_hot(OpTable& t) {
  for (int since : {9, 11, 28}) t.add<OneHot>("", "OneHot", since, 3, 3);
}

}  // namespace engine
