// The program of engine.FusedElementwise: a straight line of element-wise instructions over tensors that broadcast to one shape.
//
// In a node it is two attributes: `code`, five integers an instruction (kind, op, a, b, c), and `params`, two floats an
// instruction. An operand is the number of an input, or ~k for the result of instruction k. The last result is the output.
#pragma once

#include <vector>

#include "graph/attribute.h"
#include "kernels/elementwise/elementwise.h"

namespace engine {

enum class ElementwiseKind : int {
  unary = 0, binary = 1, compare = 2, predicate = 3, select = 4, logic = 5,
  dequantize = 6,  // bytes of an input to floats; params: scale, zero point
  quantize = 7,    // floats to bytes, the last instruction only
};

struct ElementwiseInstruction {
  ElementwiseKind kind;
  int op;                     // UnaryOp, BinaryOp, CompareOp, PredicateOp; logic: BinaryOp over bytes; select: 0; (de)quantize: 1 when signed
  int a, b = 0, c = 0;        // select: condition, then, else
  UnaryParams params;

  int operands() const {
    if (kind == ElementwiseKind::select) return 3;
    if (kind == ElementwiseKind::dequantize || kind == ElementwiseKind::quantize) return 1;
    return kind == ElementwiseKind::unary || kind == ElementwiseKind::predicate ? 1 : 2;
  }
  int operand(int i) const { return i == 0 ? a : i == 1 ? b : c; }
  // The result is one byte an element instead of a float.
  bool is_bool() const { return kind == ElementwiseKind::compare || kind == ElementwiseKind::predicate || kind == ElementwiseKind::logic; }
};

using ElementwiseProgram = std::vector<ElementwiseInstruction>;

Attributes encode_elementwise(const ElementwiseProgram& program);
// Empty when the attributes are no valid program over `inputs` inputs.
ElementwiseProgram decode_elementwise(const Attributes& attributes, int inputs);

// Nanoseconds an element on one core, roughly.
double elementwise_cost(const ElementwiseInstruction& instruction);

}  // namespace engine
