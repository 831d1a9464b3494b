#include "ops/op.h"

namespace engine {
namespace {

class Not final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kBool));
    c.set(0, c.type(0));
    c.allow_in_place(0, 0);
    return {};
  }

  Status run(OpRun& r) const override {
    const uint8_t* x = r.in<uint8_t>(0);
    uint8_t* y = r.out<uint8_t>(0);
    return r.parallel(r.in(0).elements(), 0.1, [&](int64_t begin, int64_t end, int) {
      const uint8_t* from = x;
      uint8_t* to = y;
      for (int64_t i = begin; i < end; ++i) to[i] = from[i] == 0;
    });
  }
};

}  // namespace

void op_not(OpTable& t) { t.add<Not>("", "Not", 1, 1, 1); }

}  // namespace engine
