// The table of one tier, from the list. For tier files.
#pragma once

#include "kernels/reduce/arg.inl"
#include "kernels/reduce/reduce.inl"

namespace engine::ENGINE_TIER {

extern const ReduceKernels reduce_table;
const ReduceKernels reduce_table = {
    {
#define ENGINE_REDUCE(name) run_reduce_rows<reduce_##name>,
#include "kernels/reduce/reduce.inc"
#undef ENGINE_REDUCE
    },
    {
#define ENGINE_REDUCE(name) run_reduce_columns<reduce_##name>,
#include "kernels/reduce/reduce.inc"
#undef ENGINE_REDUCE
    },
    {
#define ENGINE_REDUCE(name) run_reduce_combine<reduce_##name>,
#include "kernels/reduce/reduce.inc"
#undef ENGINE_REDUCE
    },
    run_sum_exp_rows,
    run_sum_exp_columns,
    run_arg_rows<ArgMax>,
    run_arg_rows<ArgMin>,
    run_arg_columns<ArgMax>,
    run_arg_columns<ArgMin>,
};

}  // namespace engine::ENGINE_TIER
