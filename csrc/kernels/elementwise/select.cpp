#include "kernels/dispatch.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/numeric/numeric.h"

namespace engine {

#define ENGINE_KERNEL(tier)                            \
  namespace tier {                                     \
  extern const ElementwiseKernels elementwise_table;   \
  }
#include "kernels/elementwise/kernels.inc"
#undef ENGINE_KERNEL

const ElementwiseKernels& elementwise_kernels() {
  static constexpr KernelVariant<ElementwiseKernels> variants[] = {
#define ENGINE_KERNEL(tier) {Isa::tier, &tier::elementwise_table},
#include "kernels/elementwise/kernels.inc"
#undef ENGINE_KERNEL
  };
  return select_kernels(variants);
}

namespace {

bool has_boolean(BinaryOp op) {
  switch (op) {
    case BinaryOp::min:
    case BinaryOp::max:
    case BinaryOp::bit_and:
    case BinaryOp::bit_or:
    case BinaryOp::bit_xor: return true;
    default: return false;
  }
}

}  // namespace

UnaryFn unary_kernel(ElementType type, UnaryOp op) {
  if (type == ElementType::f32) return elementwise_kernels().unary[int(op)];
  if (type == ElementType::f64) return unary_f64(op);
  if (type == ElementType::boolean) return op == UnaryOp::copy ? unary_kernel(ElementType::u8, op) : nullptr;
  return numeric_kernels().unary[int(type)][int(op)];
}

BinaryFn binary_kernel(ElementType type, BinaryOp op, Broadcast form) {
  if (type == ElementType::boolean) return has_boolean(op) ? binary_kernel(ElementType::u8, op, form) : nullptr;
  BinaryFn fn = type == ElementType::f32 ? elementwise_kernels().binary[int(op)][int(form)] : nullptr;
  return fn ? fn : numeric_kernels().binary[int(type)][int(op)][int(form)];
}

BinaryFn compare_kernel(ElementType type, CompareOp op, Broadcast form) {
  if (type == ElementType::f32) return elementwise_kernels().compare[int(op)][int(form)];
  if (type == ElementType::boolean) type = ElementType::u8;
  return numeric_kernels().compare[int(type)][int(op)][int(form)];
}

SelectFn select_kernel(size_t element_size, bool a_scalar, bool b_scalar) {
  int log2 = 0;
  while ((size_t(1) << log2) < element_size) ++log2;
  return elementwise_kernels().select[log2][a_scalar][b_scalar];
}

const char* unary_name(UnaryOp op) {
  static constexpr const char* names[] = {
#define ENGINE_UNARY(name) #name,
#include "kernels/elementwise/unary.inc"
#undef ENGINE_UNARY
  };
  return names[int(op)];
}

const char* binary_name(BinaryOp op) {
  static constexpr const char* names[] = {
#define ENGINE_BINARY(name) #name,
#include "kernels/elementwise/binary.inc"
#undef ENGINE_BINARY
  };
  return names[int(op)];
}

const char* compare_name(CompareOp op) {
  static constexpr const char* names[] = {
#define ENGINE_COMPARE(name) #name,
#include "kernels/elementwise/compare.inc"
#undef ENGINE_COMPARE
  };
  return names[int(op)];
}

const char* predicate_name(PredicateOp op) {
  static constexpr const char* names[] = {
#define ENGINE_PREDICATE(name) #name,
#include "kernels/elementwise/predicate.inc"
#undef ENGINE_PREDICATE
  };
  return names[int(op)];
}

}  // namespace engine
