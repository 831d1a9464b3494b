// com.microsoft.MatMulNBits: Y = A dequantised(B)^T + bias, B's rows quantised to 4 or 8 bits in blocks along K.
#include <vector>

#include "ops/product/product.h"

namespace engine {
namespace {

constexpr DTypeSet kFloatTypes = dtype_set(DType::Float, DType::Float16, DType::BFloat16);

class MatMulNBits final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, kFloatTypes));
    ENGINE_TRY(c.require(1, dtype_set(DType::Uint8)));
    ENGINE_TRY(c.require(2, kFloatTypes));
    if (c.has_input(3)) ENGINE_TRY(c.require(3, kFloatTypes | dtype_set(DType::Uint8)));
    if (c.has_input(4)) return error(Code::UnsupportedOperator, "g_idx (input 4) is not supported");
    if (c.has_input(5)) ENGINE_TRY(c.require_same(0, 5));
    k_ = c.attr_int("K", 0), n_ = c.attr_int("N", 0);
    bits_ = c.attr_int("bits", 4), block_ = c.attr_int("block_size", 0);
    if (bits_ != 4 && bits_ != 8) return error(Code::UnsupportedOperator, "bits is %lld; 4 and 8 are supported", (long long)bits_);
    if (k_ <= 0 || n_ <= 0 || block_ < 16 || (block_ & (block_ - 1)) != 0 || block_ > (1 << 20) || k_ > INT32_MAX || n_ > INT32_MAX)
      return error(Code::InvalidModel, "K %lld, N %lld or block_size %lld is out of range", (long long)k_, (long long)n_, (long long)block_);
    blocks_ = (k_ + block_ - 1) / block_;
    c.set(0, c.dtype(0));
    if (!c.has_rank(0)) return {};
    Shape out = c.shape(0);
    if (out.rank() < 1 || (out.back() >= 0 && out.back() != k_))
      return error(Code::InvalidModel, "A has shape %s, K is %lld", out.text().c_str(), (long long)k_);
    out[out.rank() - 1] = n_;
    c.set(0, c.dtype(0), out);
    return {};
  }

  Status prepare(PrepareContext& c) override {
    for (int i : {1, 2, 3})
      if (c.has_input(i) && !c.is_constant(i)) return error(Code::UnsupportedOperator, "input %d must be a constant", i);
    if (c.has_input(5) && c.dtype(0) != DType::Float) return error(Code::UnsupportedOperator, "bias is supported for float32 only");
    ENGINE_TRY(check_sizes(c));
    ProductShape shape = product_shape(as_matrix(strided(c.shape(0)), true), transposed(strided(Shape{n_, k_})),
                                       as_matrix(strided(c.output_shape(0)), true), false);
    const GemmKernels& kernels = gemm_kernels();
    auto fill = [&](char* memory) { this->fill(c, kernels, memory); };
    const int scales_and_zeros[] = {2, 3};
    const std::string kind = format("%lld bits in blocks of %lld, n%lld k%lld", (long long)bits_, (long long)block_, (long long)n_, (long long)k_);
    ENGINE_ASSIGN(RefPtr<Buffer> packed, c.pack(1, kind, int64_t(kernels.packed_b_bytes(n_, k_)), fill,
                                                std::span(scales_and_zeros, c.has_input(3) ? 2 : 1)));
    return product_.prepare_packed(c, shape, 0, std::move(packed), c.dtype(0));
  }

  Status run(OpRun& r) const override {
    ProductTerms terms;
    terms.a = r.in(0).data, terms.c = r.out(0).data;
    if (r.has(5)) terms.column_bias = r.in(5).data;
    return product_.run(r, terms);
  }

 private:
  int64_t zero_row_bytes() const { return (blocks_ * bits_ + 7) / 8; }

  Status check_sizes(const PrepareContext& c) const {
    int64_t have = c.shape(1).elements(), want = n_ * blocks_ * (block_ * bits_ / 8);
    if (have != want) return error(Code::InvalidModel, "B has %lld bytes, %lld are wanted", (long long)have, (long long)want);
    if (c.shape(2).elements() != n_ * blocks_)
      return error(Code::InvalidModel, "scales have shape %s, %lld values are wanted", c.shape(2).text().c_str(), (long long)(n_ * blocks_));
    if (c.has_input(5) && c.shape(5).elements() != n_) return error(Code::InvalidModel, "bias has shape %s", c.shape(5).text().c_str());
    if (!c.has_input(3)) return {};
    int64_t zeros = c.dtype(3) == DType::Uint8 ? n_ * zero_row_bytes() : n_ * blocks_;
    if (c.shape(3).elements() != zeros)
      return error(Code::InvalidModel, "zero points have shape %s, %lld values are wanted", c.shape(3).text().c_str(), (long long)zeros);
    return {};
  }

  float zero_point(const Tensor* zeros, int64_t row, int64_t block) const {
    if (!zeros) return float(1 << (bits_ - 1));
    if (zeros->dtype != DType::Uint8) return float(number_at(*zeros, row * blocks_ + block));
    const uint8_t* bytes = zeros->as<uint8_t>() + row * zero_row_bytes();
    if (bits_ == 8) return float(bytes[block]);
    return float(block % 2 ? bytes[block / 2] >> 4 : bytes[block / 2] & 15);
  }

  void dequantize_row(const PrepareContext& c, int64_t row, float* to) const {
    const uint8_t* bytes = c.value(1)->as<uint8_t>() + row * blocks_ * (block_ * bits_ / 8);
    for (int64_t block = 0; block < blocks_; ++block) {
      float scale = float(number_at(*c.value(2), row * blocks_ + block));
      float zero = zero_point(c.has_input(3) ? c.value(3) : nullptr, row, block);
      for (int64_t i = block * block_; i < std::min(k_, (block + 1) * block_); ++i) {
        int q = bits_ == 8 ? bytes[i] : i % 2 ? bytes[i / 2] >> 4 : bytes[i / 2] & 15;
        to[i] = (float(q) - zero) * scale;
      }
    }
  }

  // A panel at a time: each is laid out as the only panel of a narrower operand.
  void fill(const PrepareContext& c, const GemmKernels& kernels, char* memory) const {
    int64_t panel = kernels.blocking.panel;
    std::vector<float> rows(size_t(std::min(panel, n_) * k_));
    for (int64_t n0 = 0; n0 < n_; n0 += panel) {
      int64_t columns = std::min(panel, n_ - n0);
      for (int64_t j = 0; j < columns; ++j) dequantize_row(c, n0 + j, rows.data() + j * k_);
      kernels.pack_b({rows.data(), GemmType::f32, 1, k_}, columns, k_, 0, 1, memory + n0 * k_ * int64_t(sizeof(float)));
    }
  }

  int64_t k_ = 0, n_ = 0, bits_ = 4, block_ = 0, blocks_ = 0;
  Product product_;
};

}  // namespace

void op_mat_mul_n_bits(OpTable& t) { t.add<MatMulNBits>("com.microsoft", "MatMulNBits", 1, 3, 6); }

}  // namespace engine
