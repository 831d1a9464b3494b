#include "ops/elementwise/unary.h"

namespace engine {
namespace {

Status read(InferContext& c, UnaryOp& op, UnaryParams&) {
  std::string approximate = c.attr_string("approximate", "none");
  if (approximate != "none" && approximate != "tanh")
    return error(Code::InvalidModel, "approximate is '%s'; none and tanh are allowed", approximate.c_str());
  op = approximate == "tanh" ? UnaryOp::gelu_tanh : UnaryOp::gelu_erf;
  return {};
}

}  // namespace

void op_gelu(OpTable& t) {
  add_unary<UnaryOp::gelu_erf, dtypes::kFloats, read>(t, "Gelu", {20});
  add_unary<UnaryOp::gelu_erf>(t, "Gelu", {1}, "com.microsoft");
}

}  // namespace engine
