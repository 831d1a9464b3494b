// Element-wise kernels over contiguous elements: the instructions of fused element-wise programs.
//
// Every kernel is a pure function of its arguments: no allocation, no failure, no state; element i of the output
// depends on elements i of the inputs alone, so any cut of the work gives the same bits. n may be 0. The output may be
// exactly one of the inputs of the same element size (in place), and may not overlap them otherwise.
//
// How to add one: a line in unary.inc, binary.inc, compare.inc or predicate.inc, its vector form in the .inl of that
// name and, where other types have it, its plain form in numeric/numeric.inl or unary_f64.cpp. Tests walk the lists.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernels/element_type.h"

namespace engine {

enum class UnaryOp : uint8_t {
#define ENGINE_UNARY(name) name,
#include "kernels/elementwise/unary.inc"
#undef ENGINE_UNARY
};
enum class BinaryOp : uint8_t {
#define ENGINE_BINARY(name) name,
#include "kernels/elementwise/binary.inc"
#undef ENGINE_BINARY
};
enum class CompareOp : uint8_t {
#define ENGINE_COMPARE(name) name,
#include "kernels/elementwise/compare.inc"
#undef ENGINE_COMPARE
};
enum class PredicateOp : uint8_t {
#define ENGINE_PREDICATE(name) name,
#include "kernels/elementwise/predicate.inc"
#undef ENGINE_PREDICATE
};

#define ENGINE_ONE(name) +1
#define ENGINE_UNARY ENGINE_ONE
inline constexpr int kUnaryOps = 0
#include "kernels/elementwise/unary.inc"
    ;
#undef ENGINE_UNARY
#define ENGINE_BINARY ENGINE_ONE
inline constexpr int kBinaryOps = 0
#include "kernels/elementwise/binary.inc"
    ;
#undef ENGINE_BINARY
#define ENGINE_COMPARE ENGINE_ONE
inline constexpr int kCompareOps = 0
#include "kernels/elementwise/compare.inc"
    ;
#undef ENGINE_COMPARE
#define ENGINE_PREDICATE ENGINE_ONE
inline constexpr int kPredicateOps = 0
#include "kernels/elementwise/predicate.inc"
    ;
#undef ENGINE_PREDICATE
#undef ENGINE_ONE

// Which operand is one element that meets all of the other's.
enum class Broadcast : uint8_t { none, scalar_right, scalar_left };
inline constexpr int kBroadcasts = 3;

struct UnaryParams {
  float a = 0, b = 0;
};

// y[i] = f(x[i]).
using UnaryFn = void (*)(const void* x, void* y, size_t n, const UnaryParams& params);
// y[i] = f(a[i], b[i]); with a scalar operand its pointer gives one element.
using BinaryFn = void (*)(const void* a, const void* b, void* y, size_t n);
// y[i] = c[i] ? a[i] : b[i]; a condition is one byte an element, any value but 0 is true.
using SelectFn = void (*)(const uint8_t* c, const void* a, const void* b, void* y, size_t n);
// y[i] = x[i] scale[i] + shift[i], rounded once.
using MulAddFn = void (*)(const float* x, const float* scale, const float* shift, float* y, size_t n);

// Float32 kernels of one tier. A null entry has no vector form (see unary_kernel and binary_kernel).
struct ElementwiseKernels {
  UnaryFn unary[kUnaryOps];
  BinaryFn binary[kBinaryOps][kBroadcasts];
  BinaryFn compare[kCompareOps][kBroadcasts];
  UnaryFn predicate[kPredicateOps];
  // By log2 of the element size (1, 2, 4, 8, 16 bytes), whether a is a scalar, whether b is.
  SelectFn select[5][2][2];
  MulAddFn mul_add;
};

// The table of the active tier.
const ElementwiseKernels& elementwise_kernels();

// The best kernel of the active tier, or null when the type has no such operation. f16 and bf16 have none: convert to f32.
// UnaryParams are float32 for every type; predicates are for f32 (ElementwiseKernels::predicate) only.
UnaryFn unary_kernel(ElementType type, UnaryOp op);
BinaryFn binary_kernel(ElementType type, BinaryOp op, Broadcast form);
BinaryFn compare_kernel(ElementType type, CompareOp op, Broadcast form);
// REQUIRES: element_size is 1, 2, 4, 8 or 16.
SelectFn select_kernel(size_t element_size, bool a_scalar, bool b_scalar);

const char* unary_name(UnaryOp op);
const char* binary_name(BinaryOp op);
const char* compare_name(CompareOp op);
const char* predicate_name(PredicateOp op);

}  // namespace engine
