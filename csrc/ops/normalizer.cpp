#include <algorithm>
#include <cmath>

#include "ops/float_features.h"
#include "ops/pieces.h"

namespace engine {
namespace {

constexpr int64_t kPiece = 16384;

enum class Norm : uint8_t { max, l1, l2 };

// pieces(fn): fn(begin, end) over the row; false when it stopped.
template <class Pieces>
void normalize_row(Norm norm, const float* x, float* y, Pieces&& pieces) {
  double divisor = norm == Norm::max ? -INFINITY : 0;
  bool went_on = pieces([&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      double v = x[i];
      if (norm == Norm::max) divisor = v > divisor || std::isnan(v) ? v : divisor;
      else divisor += norm == Norm::l1 ? std::fabs(v) : v * v;
    }
  });
  if (!went_on) return;
  if (norm == Norm::l2) divisor = std::sqrt(divisor);
  pieces([&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) y[i] = divisor == 0 ? x[i] : float(x[i] / divisor);
  });
}

class Normalizer final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, kFeatureTypes));
    std::string norm = c.attr_string("norm", "MAX");
    if (norm == "MAX") norm_ = Norm::max;
    else if (norm == "L1") norm_ = Norm::l1;
    else if (norm == "L2") norm_ = Norm::l2;
    else return error(Code::InvalidModel, "norm is '%s'; MAX, L1 and L2 are allowed", norm.c_str());
    TypeInfo type = c.type(0);
    type.dtype = DType::Float;
    if (c.has_rank(0) && (c.shape(0).rank() < 1 || c.shape(0).rank() > 2))
      return error(Code::InvalidModel, "the data have shape %s; [rows, features] is expected", c.shape(0).text().c_str());
    c.set(0, type);
    return {};
  }

  Status run(OpRun& r) const override {
    ENGINE_ASSIGN(Tensor x, float_features(r, r.in(0), false));
    ENGINE_ASSIGN(FeatureMatrix m, feature_matrix(x.shape));
    return r.parallel(m.rows, double(m.columns) * 4 + 10, [&](int64_t begin, int64_t end, int worker) {
      for (int64_t row = begin; row < end; ++row)
        normalize_row(norm_, x.as<float>() + row * m.columns, r.out<float>(0) + row * m.columns,
                      [&](auto&& fn) { return within_item(r, worker, m.columns, kPiece, fn); });
    });
  }

 private:
  Norm norm_ = Norm::max;
};

}  // namespace

void op_normalizer(OpTable& t) { t.add<Normalizer>("ai.onnx.ml", "Normalizer", 1, 1, 1); }

}  // namespace engine
