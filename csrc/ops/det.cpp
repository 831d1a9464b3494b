#include <cmath>

#include "ops/axes.h"

namespace engine {
namespace {

// Brings the row with the largest element in column k to place k. Returns the factor that this gives the determinant.
double bring_pivot(double* m, int64_t n, int64_t k) {
  int64_t pivot = k;
  for (int64_t i = k + 1; i < n; ++i)
    if (std::abs(m[i * n + k]) > std::abs(m[pivot * n + k])) pivot = i;
  if (pivot == k) return m[k * n + k];
  std::swap_ranges(m + k * n, m + (k + 1) * n, m + pivot * n);
  return -m[k * n + k];
}

// Subtracts row k from row i so that column k becomes zero.
void eliminate(double* m, int64_t n, int64_t k, int64_t i) {
  const double f = m[i * n + k] / m[k * n + k];
  if (f == 0) return;
  for (int64_t j = k + 1; j < n; ++j) m[i * n + j] -= f * m[k * n + j];
}

// Gaussian elimination with row pivots. Destroys m.
double determinant(double* m, int64_t n) {
  double det = 1;
  for (int64_t k = 0; k < n && det != 0; ++k) {
    det *= bring_pivot(m, n, k);
    if (m[k * n + k] == 0) return 0;
    for (int64_t i = k + 1; i < n; ++i) eliminate(m, n, k, i);
  }
  return det;
}

// The same, the rows of each step shared by all threads.
Result<double> determinant_in_parallel(OpRun& r, double* m, int64_t n) {
  double det = 1;
  for (int64_t k = 0; k < n && det != 0; ++k) {
    det *= bring_pivot(m, n, k);
    if (m[k * n + k] == 0) return 0.0;
    ENGINE_TRY(r.parallel(n - k - 1, 5 + double(n - k), [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) eliminate(m, n, k, k + 1 + i);
    }));
  }
  return det;
}

class Det final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kFloats));
    c.set(0, c.dtype(0));
    if (!c.has_rank(0)) return {};
    const Shape& in = c.shape(0);
    if (in.rank() < 2) return error(Code::InvalidModel, "the input has %d dimensions; at least 2 are needed", in.rank());
    const int64_t rows = in[in.rank() - 2], columns = in.back();
    if (rows != columns && rows != kUnknownDim && columns != kUnknownDim)
      return error(Code::InvalidModel, "shape %s is not of square matrices", in.text().c_str());
    Shape out = in;
    out.erase(in.rank() - 1);
    out.erase(in.rank() - 2);
    c.set(0, c.dtype(0), out);
    return {};
  }

  Status prepare(PrepareContext& c) override {
    n_ = c.shape(0).back();
    ENGINE_ASSIGN(int64_t bytes, checked_bytes({n_, n_}, int64_t(sizeof(double))));
    if (n_ > kLarge) c.need_shared_scratch(bytes);
    else c.need_scratch(bytes);
    return {};
  }

  Status run(OpRun& r) const override {
    Status status;
    visit_dtype(FloatTypes{}, r.in(0).dtype, [&]<class T>() { status = n_ > kLarge ? run_large<T>(r) : run_small<T>(r); });
    return status;
  }

 private:
  static constexpr int64_t kLarge = 64;

  template <class T>
  void read(const T* in, double* m) const {
    for (int64_t k = 0; k < n_ * n_; ++k) m[k] = double(in[k]);
  }

  template <class T>
  static T to_element(double value) {
    if constexpr (std::is_same_v<T, double>) return value;
    else return T(float(value));
  }

  template <class T>
  Status run_small(OpRun& r) const {
    const double n = double(n_);
    return r.parallel(r.out(0).elements(), 10 + n * n * n / 3, [&](int64_t begin, int64_t end, int worker) {
      double* m = r.scratch<double>(worker);
      for (int64_t i = begin; i < end; ++i) {
        read(r.in<T>(0) + i * n_ * n_, m);
        r.out<T>(0)[i] = to_element<T>(determinant(m, n_));
      }
    });
  }

  template <class T>
  Status run_large(OpRun& r) const {
    double* m = r.shared_scratch<double>();
    for (int64_t i = 0; i < r.out(0).elements(); ++i) {
      read(r.in<T>(0) + i * n_ * n_, m);
      ENGINE_ASSIGN(double det, determinant_in_parallel(r, m, n_));
      r.out<T>(0)[i] = to_element<T>(det);
    }
    return {};
  }

  int64_t n_ = 0;
};

}  // namespace

void op_det(OpTable& t) {
  for (int since : {11, 22}) t.add<Det>("", "Det", since, 1, 1);
}

}  // namespace engine
