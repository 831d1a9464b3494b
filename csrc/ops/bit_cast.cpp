#include "ops/op.h"

namespace engine {
namespace {

class BitCast final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kAllButString));
    int64_t number = c.attr_int("to", 0);
    DType to = dtype_from_onnx(number);
    if (to == DType::Undefined || to == DType::String)
      return error(Code::InvalidModel, "to is %lld, which names no element type of fixed width", (long long)number);
    if (dtype_file_bits(to) != dtype_file_bits(c.dtype(0)))
      return error(Code::InvalidModel, "%s has %d bits and %s has %d; they must be the same", dtype_name(c.dtype(0)),
                   dtype_file_bits(c.dtype(0)), dtype_name(to), dtype_file_bits(to));
    TypeInfo type = c.type(0);
    type.dtype = to;
    c.set(0, type);
    c.set_view(0, 0);
    return {};
  }

  Status run(OpRun& r) const override { return r.copy(r.in(0), r.out(0).data); }
};

}  // namespace

void op_bit_cast(OpTable& t) { t.add<BitCast>("", "BitCast", 26, 1, 1); }

}  // namespace engine
