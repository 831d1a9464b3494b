#include "ops/product/named_activation.h"

namespace engine {
namespace {

constexpr struct {
  Activation activation;
  const char* name;
} kNames[] = {
    {Activation::none, ""},         {Activation::relu, "Relu"},     {Activation::leaky_relu, "LeakyRelu"},
    {Activation::sigmoid, "Sigmoid"}, {Activation::tanh, "Tanh"},   {Activation::clip, "Clip"},
    {Activation::gelu_erf, "Gelu"}, {Activation::gelu_tanh, "GeluTanh"}, {Activation::silu, "Silu"},
    {Activation::hard_sigmoid, "HardSigmoid"}, {Activation::hard_swish, "HardSwish"},
};

}  // namespace

Result<Activation> activation_named(const std::string& name) {
  for (const auto& row : kNames)
    if (name == row.name) return row.activation;
  return error(Code::UnsupportedOperator, "activation '%s' is not supported", name.c_str());
}

const char* activation_name(Activation activation) {
  for (const auto& row : kNames)
    if (row.activation == activation) return row.name;
  return "";
}

}  // namespace engine
