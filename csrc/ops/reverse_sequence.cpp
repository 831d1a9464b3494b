#include "ops/element.h"

namespace engine {
namespace {

class ReverseSequence final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kAll));
    ENGINE_TRY(c.require(1, dtypes::kIndex));
    c.set(0, c.dtype(0));
    int64_t time = c.attr_int("time_axis", 0), batch = c.attr_int("batch_axis", 1);
    if (time + batch != 1 || time * batch != 0)
      return error(Code::InvalidModel, "time_axis is %lld and batch_axis %lld; 0 and 1 or 1 and 0 are allowed", (long long)time, (long long)batch);
    time_first_ = time == 0;
    if (!c.has_rank(0)) return {};
    const Shape& in = c.shape(0);
    if (in.rank() < 2) return error(Code::InvalidModel, "the input has %d dimensions; at least 2 are needed", in.rank());
    c.set(0, c.dtype(0), in);
    if (in.known() && c.known(1) && !(c.shape(1) == Shape{in[time_first_ ? 1 : 0]}))
      return error(Code::InvalidModel, "sequence_lens has shape %s, the input %s", c.shape(1).text().c_str(), in.text().c_str());
    return {};
  }

  Status run(OpRun& r) const override {
    const Shape& in = r.in(0).shape;
    const int64_t times = in[time_first_ ? 0 : 1], batches = in[time_first_ ? 1 : 0];
    for (int64_t b = 0; b < batches; ++b) {
      int64_t n = integer_at(r.in(1), b);
      if (n < 0 || n > times)
        return error(Code::InvalidInput, "sequence_lens[%lld] is %lld; 0 to %lld are allowed", (long long)b, (long long)n, (long long)times);
    }
    Status status;
    visit_element(r.in(0).dtype, [&]<class T>() { status = move<T>(r, times, batches); });
    return status;
  }

 private:
  template <class T>
  Status move(OpRun& r, int64_t times, int64_t batches) const {
    const int64_t n = r.in(0).shape.elements(2, r.in(0).shape.rank());
    const int64_t time_step = time_first_ ? batches : 1, batch_step = time_first_ ? 1 : times, columns = time_first_ ? batches : times;
    return r.parallel(times * batches, 4 + move_ns(r.in(0).dtype) * double(n), [&](int64_t begin, int64_t end, int) {
      for (int64_t item = begin; item < end; ++item) {
        int64_t time = time_first_ ? item / columns : item % columns, batch = time_first_ ? item % columns : item / columns;
        int64_t length = integer_at(r.in(1), batch), from = time < length ? length - 1 - time : time;
        copy_run(r.in<T>(0) + (from * time_step + batch * batch_step) * n, r.out<T>(0) + item * n, n);
      }
    });
  }

  bool time_first_ = true;
};

}  // namespace

void op_reverse_sequence(OpTable& t) {
  for (int since : {10, 28}) t.add<ReverseSequence>("", "ReverseSequence", since, 2, 2);
}

}  // namespace engine
