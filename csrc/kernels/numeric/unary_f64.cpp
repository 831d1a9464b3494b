#include <cmath>

#include "kernels/numeric/numeric.h"

namespace engine {
namespace {

double sigmoid(double x) {
  double e = std::exp(-std::fabs(x));
  return (x < 0 ? e : 1.0) / (1.0 + e);
}

double softplus(double x) { return (x < 0 ? 0 : x) + std::log1p(std::exp(-std::fabs(x))); }

double clamp_unit(double x) { return x < 0 ? 0 : x > 1 ? 1 : x; }

double shrink(double x, double lambda, double bias) { return x < -lambda ? x + bias : x > lambda ? x - bias : 0; }

double celu(double x, double a) {
  double e = a * std::expm1(x / a);
  return (x < 0 ? 0 : x) + (e > 0 ? 0 : e);
}

double gelu_tanh(double x) {
  constexpr double kRoot = 0.79788456080286535588;  // sqrt(2 / pi)
  return x * sigmoid(2 * kRoot * x * (1 + 0.044715 * x * x));
}

double apply(UnaryOp op, double x, double a, double b) {
  switch (op) {
    case UnaryOp::copy: return x;
    case UnaryOp::abs: return std::fabs(x);
    case UnaryOp::neg: return -x;
    case UnaryOp::sign: return x > 0 ? 1 : x < 0 ? -1 : x + 0.0;
    case UnaryOp::ceil: return std::ceil(x);
    case UnaryOp::floor: return std::floor(x);
    case UnaryOp::round: return std::nearbyint(x);
    case UnaryOp::trunc: return std::trunc(x);
    case UnaryOp::sqrt: return std::sqrt(x);
    case UnaryOp::rsqrt: return 1 / std::sqrt(x);
    case UnaryOp::reciprocal: return 1 / x;
    case UnaryOp::square: return x * x;
    case UnaryOp::cube: return x * x * x;
    case UnaryOp::exp: return std::exp(x);
    case UnaryOp::log: return std::log(x);
    case UnaryOp::sin: return std::sin(x);
    case UnaryOp::cos: return std::cos(x);
    case UnaryOp::tan: return std::tan(x);
    case UnaryOp::asin: return std::asin(x);
    case UnaryOp::acos: return std::acos(x);
    case UnaryOp::atan: return std::atan(x);
    case UnaryOp::sinh: return std::sinh(x);
    case UnaryOp::cosh: return std::cosh(x);
    case UnaryOp::asinh: return std::asinh(x);
    case UnaryOp::acosh: return std::acosh(x);
    case UnaryOp::atanh: return std::atanh(x);
    case UnaryOp::tanh: return std::tanh(x);
    case UnaryOp::erf: return std::erf(x);
    case UnaryOp::sigmoid: return sigmoid(x);
    case UnaryOp::relu: return x < 0 ? 0 : x;
    case UnaryOp::leaky_relu: return x < 0 ? a * x : x;
    case UnaryOp::elu: return x < 0 ? a * std::expm1(x) : x;
    case UnaryOp::selu: return b * (x <= 0 ? a * std::expm1(x) : x);
    case UnaryOp::celu: return celu(x, a);
    case UnaryOp::softplus: return softplus(x);
    case UnaryOp::softsign: return x / (1 + std::fabs(x));
    case UnaryOp::hard_sigmoid: return clamp_unit(a * x + b);
    case UnaryOp::hard_swish: return x * clamp_unit(x / 6 + 0.5);
    case UnaryOp::clip: return x < a ? (a < b ? a : b) : x > b ? b : x;
    case UnaryOp::gelu_erf: return 0.5 * x * std::erfc(-x * 0.70710678118654752440);
    case UnaryOp::gelu_tanh: return gelu_tanh(x);
    case UnaryOp::silu: return x * sigmoid(a * x);
    case UnaryOp::mish: return x * std::tanh(softplus(x));
    case UnaryOp::thresholded_relu: return x <= a ? 0 : x;
    case UnaryOp::shrink: return shrink(x, a, b);
    case UnaryOp::affine: return std::fma(a, x, b);
    case UnaryOp::add_scalar: return x + a;
    case UnaryOp::mul_scalar: return x * a;
  }
  return x;
}

template <UnaryOp op>
void run(const void* input, void* output, size_t n, const UnaryParams& params) {
  const double* x = static_cast<const double*>(input);
  double* y = static_cast<double*>(output);
  for (size_t i = 0; i < n; ++i) y[i] = apply(op, x[i], params.a, params.b);
}

}  // namespace

UnaryFn unary_f64(UnaryOp op) {
  static constexpr UnaryFn table[] = {
#define ENGINE_UNARY(name) run<UnaryOp::name>,
#include "kernels/elementwise/unary.inc"
#undef ENGINE_UNARY
  };
  return table[int(op)];
}

}  // namespace engine
