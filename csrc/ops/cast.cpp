#include "ops/elementwise/cast.h"

namespace engine {
namespace {

class Cast final : public CastOp {
 protected:
  Result<DType> target(InferContext& c) const override {
    int64_t to = c.opset() < 6 ? number_of(c.attr_string("to", "")) : c.attr_int("to", 0);
    DType dtype = dtype_from_onnx(to);
    if (dtype == DType::Undefined) return error(Code::InvalidModel, "to is %lld, which names no element type", (long long)to);
    return dtype;
  }

 private:
  // The number of a name of ONNX's TensorProto.DataType, as the first version of Cast has it; 0 when there is none.
  static int64_t number_of(const std::string& name) {
    static const char* const kNames[] = {"UNDEFINED", "FLOAT", "UINT8", "INT8",    "UINT16", "INT16",  "INT32",
                                         "INT64",     "STRING", "BOOL", "FLOAT16", "DOUBLE", "UINT32", "UINT64"};
    for (size_t i = 1; i < std::size(kNames); ++i)
      if (name == kNames[i]) return int64_t(i);
    return 0;
  }
};

}  // namespace

void op_cast(OpTable& t) {
  for (int since : {1, 6, 9, 13, 19, 21, 23, 24, 25, 28}) t.add<Cast>("", "Cast", since, 1, 1);
}

}  // namespace engine
