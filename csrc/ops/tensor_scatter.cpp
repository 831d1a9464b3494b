#include "ops/element.h"

namespace engine {
namespace {

class TensorScatter final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kAll));
    ENGINE_TRY(c.require_same(0, 1));
    if (c.has_input(2)) ENGINE_TRY(c.require(2, dtypes::kIndex));
    c.set(0, c.dtype(0));
    c.allow_in_place(0, 0);
    const std::string mode = c.attr_string("mode", "linear");
    circular_ = mode == "circular";
    if (!circular_ && mode != "linear") return error(Code::InvalidModel, "mode is '%s'; linear and circular are allowed", mode.c_str());
    if (!c.has_rank(0)) return {};
    c.set(0, c.dtype(0), c.shape(0));
    ENGINE_ASSIGN(axis_, normalize_axis(c.attr_int("axis", -2), c.shape(0).rank()));
    if (axis_ == 0) return error(Code::InvalidModel, "axis is 0, the batch dimension");
    return c.known(0) && c.known(1) ? check_shapes(c) : Status();
  }

  Status prepare(PrepareContext& c) override {
    const Shape &past = c.shape(0), &update = c.shape(1);
    batch_ = past[0];
    prefix_ = past.elements(1, axis_);
    capacity_ = past[axis_];
    length_ = update[axis_];
    inner_ = past.elements(axis_ + 1, past.rank());
    return {};
  }

  Status run(OpRun& r) const override {
    for (int64_t b = 0; b < batch_; ++b) {
      int64_t first = first_of(r, b);
      if (first < 0 || (!circular_ && first > capacity_ - length_))
        return error(Code::InvalidInput, "write index %lld of batch %lld: %lld elements do not fit %lld", (long long)first, (long long)b,
                     (long long)length_, (long long)capacity_);
    }
    ENGINE_TRY(copy_input(r, 0, 0));
    Status status;
    visit_element(r.in(0).dtype, [&]<class T>() { status = put<T>(r); });
    return status;
  }

 private:
  Status check_shapes(const InferContext& c) const {
    const Shape &past = c.shape(0), &update = c.shape(1);
    bool fits = past.rank() == update.rank();
    for (int i = 0; fits && i < past.rank(); ++i) fits = i == axis_ ? update[i] <= past[i] : update[i] == past[i];
    if (!fits) return error(Code::InvalidModel, "update of shape %s does not fit past_cache of shape %s", update.text().c_str(), past.text().c_str());
    if (c.known(2) && !(c.shape(2) == Shape{past[0]}))
      return error(Code::InvalidModel, "write_indices has shape %s, the batch has %lld", c.shape(2).text().c_str(), (long long)past[0]);
    return {};
  }

  static int64_t first_of(OpRun& r, int64_t batch) { return r.has(2) ? integer_at(r.in(2), batch) : 0; }

  template <class T>
  Status put(OpRun& r) const {
    T* out = r.out<T>(0);
    const T* update = r.in<T>(1);
    double ns = 5 + move_ns(r.in(0).dtype) * double(inner_);
    return r.parallel(batch_ * prefix_ * length_, ns, [&](int64_t begin, int64_t end, int) {
      for (int64_t item = begin; item < end; ++item) {
        int64_t group = item / length_, first = first_of(r, group / prefix_);
        int64_t at = circular_ ? (first % capacity_ + item % length_) % capacity_ : first + item % length_;
        copy_run(update + item * inner_, out + (group * capacity_ + at) * inner_, inner_);
      }
    });
  }

  int axis_ = 0;
  bool circular_ = false;
  int64_t batch_ = 0, prefix_ = 0, capacity_ = 0, length_ = 0, inner_ = 0;
};

}  // namespace

void op_tensor_scatter(OpTable& t) { t.add<TensorScatter>("", "TensorScatter", 24, 2, 3); }

}  // namespace engine
