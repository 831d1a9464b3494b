// The element-wise parts of a step of LSTM and GRU with their usual activations: a sigmoid of the gates, a tanh of what is new.
//
// x is the input's product and g the state's, gate after gate, n values each. Element i of a result depends on element i of the
// operands alone. NaN stays NaN; a gate saturates at 0 and 1, so that infinities act as ONNX's formulas have it. n may be 0.
// Operands do not overlap but where they are named as read and written.
#pragma once

#include <stddef.h>

namespace engine {

struct RecurrentKernels {
  // Gates i, o, f and the new value: c = sigmoid(f) c + sigmoid(i) tanh(new), h = sigmoid(o) tanh(c).
  void (*lstm)(const float* x, const float* g, size_t n, float* c, float* h);
  // Gates z, r and the new value, which is tanh(x + r (g + bias)): h = (1 - z) new + z h.
  void (*gru)(const float* x, const float* g, const float* bias, size_t n, float* h);
  // The same in two halves, for when the new value's product is of r h: g's z and r become the gates, reset = r h; then
  // h = (1 - z) tanh(x + g) + z h with z in g and the product where it belongs in g.
  void (*gru_gates)(const float* x, float* g, size_t n, const float* h, float* reset);
  void (*gru_finish)(const float* x, const float* g, size_t n, float* h);
};

// The table of the active tier.
const RecurrentKernels& recurrent_kernels();

}  // namespace engine
