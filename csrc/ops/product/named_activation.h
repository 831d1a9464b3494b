// Activations as attributes name them, in ONNX's words.
#pragma once

#include <string>

#include "kernels/activation.h"
#include "ops/op.h"

namespace engine {

// "" is none. Relu, LeakyRelu (a), Sigmoid, Tanh, Clip (a, b), Gelu, GeluTanh, Silu, HardSigmoid (a, b), HardSwish;
// UnsupportedOperator for others.
Result<Activation> activation_named(const std::string& name);
const char* activation_name(Activation activation);

}  // namespace engine
