// Vectors by plain arithmetic.
#pragma once

#include "kernels/gemm/typed_lanes_plain.h"

namespace engine::ENGINE_TIER {
namespace {

using DoubleLanes = PlainLanes<double, 2, 16>;
using Word32Lanes = PlainLanes<uint32_t, 4, 16>;
using Word64Lanes = PlainLanes<uint64_t, 2, 16>;

}  // namespace
}  // namespace engine::ENGINE_TIER
