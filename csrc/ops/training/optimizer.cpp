#include "ops/training/optimizer.h"

namespace engine {

Status Optimizer::infer(InferContext& c) {
  constexpr DTypeSet kTypes = dtype_set(DType::Float, DType::Double);
  ENGINE_TRY(c.require(0, kTypes));
  ENGINE_TRY(c.require(1, dtype_set(DType::Int64)));
  for (int i : {0, 1})
    if (c.known(i) && c.shape(i).elements() != 1)
      return error(Code::InvalidModel, "input %d has shape %s; one element is allowed", i, c.shape(i).text().c_str());
  int tensors = c.input_count() - 2, kinds = states_ + 2, n = tensors / kinds;
  if (tensors % kinds != 0 || n == 0 || c.output_count() > n * (states_ + 1))
    return error(Code::InvalidModel, "%d tensors and %d outputs; %d tensors and %d outputs a parameter are needed", tensors, c.output_count(), kinds, states_ + 1);
  for (int i = 0; i < tensors; ++i) {
    ENGINE_TRY(c.require(2 + i, kTypes));
    ENGINE_TRY(c.require_same(2 + i % n, 2 + i));
    if (c.known(2 + i) && c.known(2 + i % n) && !(c.shape(2 + i) == c.shape(2 + i % n)))
      return error(Code::InvalidModel, "input %d has shape %s; its parameter has %s", 2 + i, c.shape(2 + i).text().c_str(), c.shape(2 + i % n).text().c_str());
  }
  for (int o = 0; o < c.output_count(); ++o) c.set(o, c.type(2 + o % n));
  return read(c);
}

template <class T>
Status Optimizer::update_tensor(OpRun& r, int64_t k, int64_t n, const Step& step) const {
  const T *x = r.in<T>(int(2 + k)), *g = r.in<T>(int(2 + n + k));
  return r.parallel(r.in(int(2 + k)).elements(), 15, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      double value = double(x[i]), state[2];
      for (int s = 0; s < states_; ++s) state[s] = double(r.in<T>(int(2 + (2 + s) * n + k))[i]);
      update(step, double(g[i]), &value, state);
      if (r.wants(int(k))) r.out<T>(int(k))[i] = T(value);
      for (int s = 0; s < states_; ++s)
        if (int o = int((1 + s) * n + k); r.wants(o)) r.out<T>(o)[i] = T(state[s]);
    }
  });
}

Status Optimizer::run(OpRun& r) const {
  Step step{number_at(r.in(0), 0), integer_at(r.in(1), 0)};
  int64_t n = (r.input_count() - 2) / (states_ + 2);
  for (int64_t k = 0; k < n; ++k)
    ENGINE_TRY(r.in(int(2 + k)).dtype == DType::Float ? update_tensor<float>(r, k, n, step) : update_tensor<double>(r, k, n, step));
  return {};
}

}  // namespace engine
