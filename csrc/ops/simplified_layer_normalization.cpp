#include "ops/norm/row_norm.h"

namespace engine {
namespace {

constexpr RowNormSignature kSignature{.center = false, .inv_std = 1, .dtype_of_scale = true};

}  // namespace

// Exporters write it in either domain.
void op_simplified_layer_normalization(OpTable& t) {
  for (const char* domain : {"", "com.microsoft"}) t.add<RowNormOf<kSignature>>(domain, "SimplifiedLayerNormalization", 1, 2, 2, 1, 2);
}

}  // namespace engine
