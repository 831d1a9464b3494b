// The activations that recurrent operators name in their attributes, over rows of float32.
#pragma once

#include <string>
#include <vector>

#include "kernels/elementwise/elementwise.h"
#include "ops/op.h"

namespace engine {

class GateActivation {
 public:
  // x[i] = f(x[i]).
  void apply(float* x, int64_t n) const;
  // f is this function of x alone.
  bool is(UnaryOp op) const { return op_ == op && !scaled_; }

  // `count` activations: those that the attribute `activations` lists, else `defaults` (as many, repeated), with the values of
  // activation_alpha and activation_beta handed out in order to those that use one.
  static Result<std::vector<GateActivation>> read(const InferContext& c, int count, std::vector<std::string> defaults);

 private:
  UnaryOp op_ = UnaryOp::copy;
  UnaryFn fn_ = nullptr;
  UnaryParams params_;
  bool scaled_ = false;  // a f(b x)
};

}  // namespace engine
