// What the passes over quantised tensors share: QuantizeLinear and DequantizeLinear of bytes.
#pragma once

#include <optional>

#include "graph/rewrite.h"

namespace engine {

// A tensor of bytes, or the float32 one that becomes it, with its constant scale and zero point.
struct Quantized {
  ValueId data = kNoValue, scale = kNoValue, zero = kNoValue;
};

// The operands of a QuantizeLinear or DequantizeLinear of bytes of that dtype without blocks.
std::optional<Quantized> quantized_operands(const Graph& graph, const Node& node, DType dtype);

// The same where there is one finite positive scale and one zero point.
std::optional<Quantized> quantized_tensor(const Graph& graph, const Node& node, DType dtype);

// What DequantizeLinear made `v` of, and what QuantizeLinear makes: with one scale.
std::optional<Quantized> dequantized(Rewriter& rewriter, ValueId v);
std::optional<Quantized> quantizes(const Graph& graph, const Node& node);

// The same numbers stand for the same values.
bool same_quantization(const Graph& graph, const Quantized& a, const Quantized& b);

}  // namespace engine
