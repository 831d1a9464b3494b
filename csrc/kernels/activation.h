// Activations that products and convolutions apply in their epilogue.
#pragma once

#include <math.h>
#include <stdint.h>

namespace engine {

enum class Activation : uint8_t {
  none,
  relu,          // max(x, 0)
  leaky_relu,    // x >= 0 ? x : alpha * x
  sigmoid,       // 1 / (1 + exp(-x))
  tanh,          // tanh(x)
  clip,          // min(max(x, alpha), beta)
  gelu_erf,      // x / 2 * (1 + erf(x / sqrt(2)))
  gelu_tanh,     // x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))
  silu,          // x * sigmoid(x)
  hard_sigmoid,  // min(max(alpha * x + beta, 0), 1)
  hard_swish,    // x * min(max(x / 6 + 1 / 2, 0), 1)
};

// The plain reference: what every vectorised form is tested against. NaN stays NaN in all of them.
// static: each translation unit keeps its own copy, so that files of an instruction-set tier may include this.
static inline float activate(Activation kind, float x, float alpha, float beta) {
  switch (kind) {
    case Activation::none:
      return x;
    case Activation::relu:
      return x < 0.0f ? 0.0f : x;
    case Activation::leaky_relu:
      return x < 0.0f ? alpha * x : x;
    case Activation::sigmoid:
      return 1.0f / (1.0f + ::expf(-x));
    case Activation::tanh:
      return ::tanhf(x);
    case Activation::clip:
      x = x < alpha ? alpha : x;
      return x > beta ? beta : x;
    case Activation::gelu_erf:
      return 0.5f * x * (1.0f + ::erff(x * 0.70710678118654752f));
    case Activation::gelu_tanh:
      return 0.5f * x * (1.0f + ::tanhf(0.79788456080286536f * (x + 0.044715f * x * x * x)));
    case Activation::silu:
      return x / (1.0f + ::expf(-x));
    case Activation::hard_sigmoid:
      x = alpha * x + beta;
      x = x < 0.0f ? 0.0f : x;
      return x > 1.0f ? 1.0f : x;
    case Activation::hard_swish: {
      float gate = x / 6.0f + 0.5f;
      gate = gate < 0.0f ? 0.0f : gate;
      return x * (gate > 1.0f ? 1.0f : gate);
    }
  }
  return x;
}

}  // namespace engine
