// For instruction sets without registers that hold tiles of matrices.
#pragma once

#include "kernels/gemm/int8_micro.inl"

namespace engine::ENGINE_TIER {
namespace {

struct ByteTiles {
  static constexpr bool any = false;
  static constexpr int64_t tile_macs = Bytes::tile_macs;
  static constexpr int sums = 0;
  void release() const {}
};

}  // namespace
}  // namespace engine::ENGINE_TIER
