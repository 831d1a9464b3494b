#include "kernels/quant/quant.h"

namespace engine {

QuantSum quant_sum(float a_scale, float a_zero, float b_scale, float b_zero, float y_scale, float y_zero) {
  const float a = a_scale / y_scale, b = b_scale / y_scale;
  return {a, b, -(a_zero * a + b_zero * b), y_zero};
}

}  // namespace engine
