#include "kernels/quant/quant.h"
#include "ops/op.h"

namespace engine {
namespace {

constexpr DTypeSet kBytes = dtype_set(DType::Uint8, DType::Int8);
constexpr double kNsPerElement = 0.05;

// y = table[x], x taken as an unsigned byte; table: 256 values of y's type.
class ByteTable final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, kBytes));
    ENGINE_TRY(c.require(1, kBytes));
    if (c.known(1) && c.shape(1).elements() != 256) return error(Code::InvalidModel, "the table has not 256 values");
    TypeInfo type = c.type(0);
    type.dtype = c.dtype(1);
    c.set(0, type);
    c.allow_in_place(0, 0);
    return {};
  }
  Status prepare(PrepareContext&) override {
    lookup_ = quant_kernels().lookup;
    return {};
  }
  Status run(OpRun& r) const override {
    const uint8_t *x = r.in<uint8_t>(0), *table = r.in<uint8_t>(1);
    uint8_t* y = r.out<uint8_t>(0);
    return r.parallel(r.in(0).elements(), kNsPerElement,
                      [&](int64_t begin, int64_t end, int) { lookup_(x + begin, table, y + begin, size_t(end - begin)); });
  }

 private:
  decltype(QuantKernels::lookup) lookup_ = nullptr;
};

}  // namespace

void op_byte_table(OpTable& t) { t.add<ByteTable>("engine", "ByteTable", 1, 2, 2); }

}  // namespace engine
