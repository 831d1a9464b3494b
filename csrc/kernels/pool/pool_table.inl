// The tier's table of pooling kernels. REQUIRES: ENGINE_TIER and the tier's block header.
#pragma once

#include "kernels/pool/blocked_pool.inl"
#include "kernels/pool/plain_pool.inl"

namespace engine {
namespace ENGINE_TIER {

extern const PoolKernels pool_table;
const PoolKernels pool_table = {
    Block::size,
    pool_blocked<Max>,
    pool_blocked<Average>,
    pool_plain<Max>,
    pool_plain<Average>,
    global_blocked<Max>,
    global_blocked<Average>,
    global_plain<Max>,
    global_plain<Average>,
};

}  // namespace ENGINE_TIER
}  // namespace engine
