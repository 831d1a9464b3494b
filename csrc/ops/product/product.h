// A stack of float32 products with epilogue, as a part of operators: MatMul, Gemm and the fused forms.
//
// Life: set the options, prepare() in Op::prepare, run() in Op::run. Half floats are widened, computed in float32 and
// rounded once at the end. Constant operands are packed once for the model.
#pragma once

#include "kernels/elementwise/elementwise.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_typed.h"
#include "ops/op.h"
#include "ops/product/product_shape.h"

namespace engine {

// The other operands of C = activation(alpha * A B + beta * C + column_bias + row_bias + residual).
struct ProductTerms {
  const void* a = nullptr;         // as the Strided views describe them, in the operands' dtype
  const void* b = nullptr;
  void* c = nullptr;
  float beta = 0;                  // not 0: C holds a term already
  const void* column_bias = nullptr;  // n values
  const void* row_bias = nullptr;     // m values; REQUIRES: a single batch
  const void* residual = nullptr;     // laid out as C
};

class Product {
 public:
  float alpha = 1;
  Activation activation = Activation::none;
  float activation_a = 0, activation_b = 0;

  // a, b: the positions of the operands among the inputs, whose elements the views of `shape` address.
  // dtype, of all operands and C: Float, Float16 or BFloat16.
  Status prepare(PrepareContext& c, const ProductShape& shape, int a, int b, DType dtype);
  // B being packed already, by this tier's pack_b as shape.n x shape.k; REQUIRES: no batches of B, not flipped.
  Status prepare_packed(PrepareContext& c, const ProductShape& shape, int a, RefPtr<Buffer> packed_b, DType dtype);
  // REQUIRES: prepared; not moved or copied since.
  Status run(OpRun& r, const ProductTerms& terms) const;

  // Within an item of OpRun::parallel: the first `rows` rows, on this thread, with `scratch` of scratch_bytes() aligned to 64.
  // False when the call must stop. REQUIRES: prepared for at least so many rows, float32, one batch, not flipped.
  bool run_rows(OpRun& r, int worker, const ProductTerms& terms, int64_t rows, void* scratch) const;
  int64_t scratch_bytes() const { return int64_t(tiling_.scratch_bytes); }
  double ns() const { return ns_per_tile_ * double(tiling_.tiles); }

 private:
  GemmF32 gemm(const ProductTerms& terms) const;
  Status pack(PrepareContext& c, int b);
  void plan(PrepareContext& c);
  Status run_float(OpRun& r, const ProductTerms& terms) const;
  Status run_widened(OpRun& r, const ProductTerms& terms) const;

  ProductShape shape_;
  DType dtype_ = DType::Float;
  // Activations that the product's kernels have no vectors for run through the element-wise ones.
  struct RowActivation {
    UnaryFn fn = nullptr;
    UnaryParams params;
  } row_activation_;
  const GemmKernels* kernels_ = nullptr;
  GemmTiling tiling_{};
  RefPtr<Buffer> packed_;
  int64_t packed_bytes_ = 0;           // of one matrix
  int64_t packed_batch_[kMaxRank] = {};  // matrices from batch to batch
  double ns_per_tile_ = 1;
  int64_t a_elements_ = 0, b_elements_ = 0, c_elements_ = 0;
};

// The same for float64 and 32- and 64-bit integers (which wrap): C = alpha * A B + beta * C.
class TypedProduct {
 public:
  double alpha = 1;  // REQUIRES: integral for integers

  Status prepare(PrepareContext& c, const ProductShape& shape, DType dtype);
  Status run(OpRun& r, const void* a, const void* b, void* out, double beta) const;

 private:
  template <class T>
  Status run_as(OpRun& r, const GemmTypedKernel<T>& kernel, const T* a, const T* b, T* c, T alpha, T beta) const;

  ProductShape shape_;
  DType dtype_ = DType::Double;
  GemmTiling tiling_{};
};

// The dtypes that Product and TypedProduct take together.
inline constexpr DTypeSet kProductTypes =
    dtypes::kFloats | dtype_set(DType::Int32, DType::Int64, DType::Uint32, DType::Uint64);
constexpr bool is_typed_product(DType d) { return !contains(dtype_set(DType::Float, DType::Float16, DType::BFloat16), d); }

// Widens count elements of float16 or bfloat16 to float32, and the way back, in tiles.
Status widen_elements(OpRun& r, const void* from, DType dtype, int64_t count, float* to);
Status narrow_elements(OpRun& r, const float* from, DType dtype, int64_t count, void* to);

// How long a tile takes, about.
double product_tile_ns(const GemmTiling& tiling, double macs_per_ns);

// Runs fn(batch, tile index, k step, worker) for every tile of every batch in tiles of bounded work; the k steps of a
// tile follow each other on one worker. `ns`: of one tile.
template <class Fn>
Status run_product_tiles(OpRun& r, const GemmTiling& tiling, int64_t batches, double ns, Fn&& fn) {
  RunContext& context = r.context();
  return r.parallel(batches * tiling.tiles, ns, [&](int64_t begin, int64_t end, int worker) {
    int64_t batch = begin / tiling.tiles, tile = begin % tiling.tiles;
    for (int64_t i = begin; i < end; ++i) {
      for (int64_t step = 0; step < tiling.k_steps; ++step) {
        if (step > 0 && !(worker == 0 ? context.control().check() : context.control().go())) return;
        fn(batch, tile, step, worker);
      }
      if (++tile == tiling.tiles) tile = 0, ++batch;
    }
  });
}

}  // namespace engine
