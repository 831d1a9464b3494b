// Reading arithmetic that exporters spell out: products, powers and scalar constants around a value.
#pragma once

#include <optional>
#include <vector>

#include "graph/rewrite.h"

namespace engine {

// factor * values[0] * values[1] * ...
struct Factors {
  double factor = 1;
  std::vector<ValueId> values;
  int rank = 0;              // the largest rank of a constant
};

// value + constant.
struct Shifted {
  ValueId value = kNoValue;
  double constant = 0;
  int rank = 0;              // of the constant
};

// The one element of a constant of a float dtype.
std::optional<double> float_constant(const Graph& graph, ValueId v);

// Takes products, quotients by constants and powers 2 and 3 apart. What is not used here alone stays whole, but for the
// outermost product when `root`.
Factors factors_of(Rewriter& rewriter, ValueId v, bool root = false);

// Add of a value and a constant that is used here alone.
std::optional<Shifted> shifted(Rewriter& rewriter, ValueId v);

// d when v is d * d or d ** 2.
std::optional<ValueId> squared(Rewriter& rewriter, ValueId v);

// Whether a constant found is the one meant, given how exactly the dtype holds it: within 1e-5 (float32 and float64), 1e-3
// (float16) or 8e-3 (bfloat16) of it.
bool is_about(double found, double meant, DType dtype);

// x is a tensor of floats, and what it meets, one element with `rank` dimensions, leaves its shape as it is.
bool keeps_shape(const Graph& graph, ValueId x, int rank);

// Same dtype, rank and dimensions as far as known, the rank being known.
bool same_type(const Graph& graph, ValueId a, ValueId b);

// A node of these inputs takes over the outputs of node `root`, which is removed.
void replace_node(Rewriter& rewriter, int root, const char* op_type, int opset, std::vector<ValueId> inputs, Attributes attributes);

}  // namespace engine
