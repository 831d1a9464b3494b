#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/dtype_attribute.h"
#include "ops/elementwise/convert.h"

namespace engine {
namespace {

// Triangular filters: column i rises from frequency bin i to bin i + 1, where it is 1, and falls to bin i + 2; the bins are
// spaced evenly on the mel scale.
class MelWeightMatrix final : public Op {
 public:
  Status infer(InferContext& c) override {
    for (int i = 0; i < 3; ++i) ENGINE_TRY(c.require(i, dtypes::kIndex));
    for (int i = 3; i < 5; ++i) ENGINE_TRY(c.require(i, dtypes::kFloats));
    for (int i = 0; i < 5; ++i)
      if (c.known(i) && c.shape(i).elements() != 1)
        return error(Code::InvalidModel, "input %d has shape %s; a scalar is allowed", i, c.shape(i).text().c_str());
    ENGINE_ASSIGN(DType dtype, dtype_attribute(c, "output_datatype", DType::Float, dtypes::kNumeric));
    c.set(0, dtype, Shape{kUnknownDim, kUnknownDim});
    if (!c.value(0) || !c.value(1)) return {};
    int64_t mels = integer_at(*c.value(0), 0), length = integer_at(*c.value(1), 0);
    if (mels < 0 || length < 0)
      return error(Code::InvalidModel, "num_mel_bins is %lld and dft_length %lld; they must not be negative", (long long)mels,
                   (long long)length);
    Shape shape{length / 2 + 1, mels};
    ENGINE_ASSIGN([[maybe_unused]] int64_t bytes, checked_bytes(shape, dtype_size(dtype)));
    c.set(0, dtype, shape);
    return {};
  }

  Status run(OpRun& r) const override {
    Tensor& y = r.out(0);
    int64_t size = dtype_size(y.dtype), columns = y.shape[1];
    ENGINE_TRY(r.parallel(y.bytes(), 0.1, [&](int64_t begin, int64_t end, int) {
      std::fill(y.as<char>() + begin, y.as<char>() + end, char(0));
    }));
    std::vector<int64_t> bins;
    ENGINE_TRY(frequency_bins(r, bins));
    Converter store(DType::Double, y.dtype);
    auto put = [&](int64_t row, int64_t column, double value) { store(&value, y.as<char>() + (row * columns + column) * size, 1); };
    for (int64_t i = 0; i < columns; ++i) {
      int64_t left = bins[size_t(i)], centre = bins[size_t(i) + 1], right = bins[size_t(i) + 2];
      if (left == centre) put(centre, i, 1);
      for (int64_t j = left; j <= centre && left < centre; ++j) put(j, i, double(j - left) / double(centre - left));
      for (int64_t j = centre; j < right; ++j) put(j, i, double(right - j) / double(right - centre));
      ENGINE_TRY(r.checkpoint());
    }
    return {};
  }

 private:
  // The edges of the filters, num_mel_bins + 2 rows of the output.
  static Status frequency_bins(OpRun& r, std::vector<int64_t>& bins) {
    int64_t mels = integer_at(r.in(0), 0), length = integer_at(r.in(1), 0), rate = integer_at(r.in(2), 0);
    if (rate <= 0) return error(Code::InvalidInput, "sample_rate is %lld; it must be positive", (long long)rate);
    double low = 2595 * std::log10(1 + number_at(r.in(3), 0) / 700), high = 2595 * std::log10(1 + number_at(r.in(4), 0) / 700);
    double step = (high - low) / double(mels + 2);
    int64_t rows = r.out(0).shape[0];
    bins.resize(size_t(mels) + 2);
    for (int64_t i = 0; i < mels + 2; ++i) {
      double hertz = 700 * (std::pow(10.0, (low + double(i) * step) / 2595) - 1);
      double bin = std::floor(double(length + 1) * hertz / double(rate));
      if (!(bin >= 0 && bin < double(rows)))
        return error(Code::InvalidInput, "edge %lld at %g Hz is outside of the spectrum's %lld bins", (long long)i, hertz, (long long)rows);
      bins[size_t(i)] = int64_t(bin);
    }
    return {};
  }
};

}  // namespace

void op_mel_weight_matrix(OpTable& t) { t.add<MelWeightMatrix>("", "MelWeightMatrix", 17, 5, 5); }

}  // namespace engine
