#include <cmath>

#include "kernels/conv/conv_kernels.h"

namespace engine {
namespace {

ConvFinish curve(UnaryOp op, float a, float b) {
  return {-INFINITY, INFINITY, unary_kernel(ElementType::f32, op), {a, b}};
}

}  // namespace

ConvFinish conv_finish(const ConvEpilogue& e) {
  switch (e.activation) {
    case Activation::none:
      break;
    case Activation::relu:
      return {0.0f, INFINITY, nullptr, {}};
    case Activation::clip:
      return {e.alpha, e.beta, nullptr, {}};
    case Activation::leaky_relu:
      return curve(UnaryOp::leaky_relu, e.alpha, 0);
    case Activation::sigmoid:
      return curve(UnaryOp::sigmoid, 0, 0);
    case Activation::tanh:
      return curve(UnaryOp::tanh, 0, 0);
    case Activation::gelu_erf:
      return curve(UnaryOp::gelu_erf, 0, 0);
    case Activation::gelu_tanh:
      return curve(UnaryOp::gelu_tanh, 0, 0);
    case Activation::silu:
      return curve(UnaryOp::silu, 1, 0);
    case Activation::hard_sigmoid:
      return curve(UnaryOp::hard_sigmoid, e.alpha, e.beta);
    case Activation::hard_swish:
      return curve(UnaryOp::hard_swish, 0, 0);
  }
  return {-INFINITY, INFINITY, nullptr, {}};
}

}  // namespace engine
