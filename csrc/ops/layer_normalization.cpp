#include "ops/norm/row_norm.h"

namespace engine {
namespace {

constexpr RowNormSignature kSignature{.bias = 2, .mean = 1, .inv_std = 2};

}  // namespace

// Version 1 is what exporters wrote before the standard had the operator.
void op_layer_normalization(OpTable& t) {
  for (int since : {1, 17}) t.add<RowNormOf<kSignature>>("", "LayerNormalization", since, 2, 3, 1, 3);
}

}  // namespace engine
