#include "ops/norm/row_norm.h"

namespace engine {
namespace {

constexpr RowNormSignature kSignature{.center = false, .dtype_of_scale = true};

}  // namespace

void op_rms_normalization(OpTable& t) { t.add<RowNormOf<kSignature>>("", "RMSNormalization", 23, 2, 2); }

}  // namespace engine
