// The float32 table of one tier, from the lists. For tier files.
#pragma once

#include "kernels/elementwise/binary.inl"
#include "kernels/elementwise/unary.inl"

namespace engine::ENGINE_TIER {

#define ENGINE_BINARY_FORMS(run, op) {run<op, false, false>, run<op, false, true>, run<op, true, false>}
#define ENGINE_SELECT_FORMS(T) {{run_select<T, false, false>, run_select<T, false, true>}, \
                                {run_select<T, true, false>, run_select<T, true, true>}}

extern const ElementwiseKernels elementwise_table;
const ElementwiseKernels elementwise_table = {
    {
#define ENGINE_UNARY(name) run_unary<unary_##name>,
#include "kernels/elementwise/unary.inc"
#undef ENGINE_UNARY
    },
    {
#define ENGINE_BINARY(name) {},
#define ENGINE_BINARY_F32(name) ENGINE_BINARY_FORMS(run_binary, binary_##name),
#include "kernels/elementwise/binary.inc"
#undef ENGINE_BINARY
    },
    {
#define ENGINE_COMPARE(name) ENGINE_BINARY_FORMS(run_compare, compare_##name),
#include "kernels/elementwise/compare.inc"
#undef ENGINE_COMPARE
    },
    {
#define ENGINE_PREDICATE(name) run_predicate<predicate_##name>,
#include "kernels/elementwise/predicate.inc"
#undef ENGINE_PREDICATE
    },
    {ENGINE_SELECT_FORMS(uint8_t), ENGINE_SELECT_FORMS(uint16_t), ENGINE_SELECT_FORMS(uint32_t),
     ENGINE_SELECT_FORMS(uint64_t), ENGINE_SELECT_FORMS(Bytes16)},
    run_mul_add,
};

#undef ENGINE_BINARY_FORMS
#undef ENGINE_SELECT_FORMS

}  // namespace engine::ENGINE_TIER
