#include "ops/product/product.h"

namespace engine {
namespace {

constexpr double kTypedMacsPerNs = 4;

GemmBlocking blocking_of(DType dtype) {
  const GemmTypedKernels& kernels = gemm_typed_kernels();
  if (dtype == DType::Double) return kernels.f64.blocking;
  return dtype_size(dtype) == 4 ? kernels.u32.blocking : kernels.u64.blocking;
}

}  // namespace

Status TypedProduct::prepare(PrepareContext& c, const ProductShape& shape, DType dtype) {
  shape_ = shape;
  dtype_ = dtype;
  int workers = shape.batches >= 3 * int64_t(c.threads()) ? 1 : c.threads();
  tiling_ = gemm_tiling(blocking_of(dtype), shape.m, shape.n, shape.k, workers, false, true);
  c.need_scratch(int64_t(tiling_.scratch_bytes));
  return {};
}

template <class T>
Status TypedProduct::run_as(OpRun& r, const GemmTypedKernel<T>& kernel, const T* a, const T* b, T* c, T scale, T beta) const {
  const ProductShape& s = shape_;
  GemmTyped<T> g{};
  g.m = s.m, g.n = s.n, g.k = s.k;
  g.alpha = scale, g.beta = beta;
  g.a_row = s.a_row, g.a_col = s.a_col, g.b_row = s.b_row, g.b_col = s.b_col;
  g.c_stride = s.flipped ? s.n : s.c_row;
  if (s.flipped) std::swap(a, b);
  double ns = product_tile_ns(tiling_, kTypedMacsPerNs);
  return run_product_tiles(r, tiling_, s.batches, ns, [&](int64_t batch, int64_t tile, int64_t step, int worker) {
    GemmTyped<T> one = g;
    one.a = a + batch_offset(s, s.a_batch, batch);
    one.b = b + batch_offset(s, s.b_batch, batch);
    one.c = c + batch_offset(s, s.c_batch, batch);
    kernel.run(one, gemm_tile(tiling_, tile, step), r.scratch(worker));
  });
}

Status TypedProduct::run(OpRun& r, const void* a, const void* b, void* out, double beta) const {
  const GemmTypedKernels& kernels = gemm_typed_kernels();
  auto as = [&]<class T>(const GemmTypedKernel<T>& kernel, T scale, T term) {
    return run_as<T>(r, kernel, static_cast<const T*>(a), static_cast<const T*>(b), static_cast<T*>(out), scale, term);
  };
  if (dtype_ == DType::Double) return as(kernels.f64, alpha, beta);
  if (dtype_size(dtype_) == 4) return as(kernels.u32, uint32_t(int64_t(alpha)), uint32_t(int64_t(beta)));
  return as(kernels.u64, uint64_t(int64_t(alpha)), uint64_t(int64_t(beta)));
}

}  // namespace engine
