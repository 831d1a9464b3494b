#include "ops/norm/row_norm.h"

namespace engine {
namespace {

constexpr RowNormSignature kSignature{
    .bias = 3, .residual = 1, .residual_bias = 4, .scale = 2, .mean = 1, .inv_std = 2, .sum = 3, .epsilon = 1e-12f};

}  // namespace

void op_skip_layer_normalization(OpTable& t) {
  t.add<RowNormOf<kSignature>>("com.microsoft", "SkipLayerNormalization", 1, 3, 5, 1, 4);
}

}  // namespace engine
