#include "ops/elementwise/cast.h"

namespace engine {
namespace {

class CastLike final : public CastOp {
 protected:
  Result<DType> target(InferContext& c) const override {
    ENGINE_TRY(c.require(1, kCastTypes));
    return c.dtype(1);
  }
};

}  // namespace

void op_cast_like(OpTable& t) {
  for (int since : {15, 19, 21, 23, 24, 25}) t.add<CastLike>("", "CastLike", since, 2, 2);
}

}  // namespace engine
