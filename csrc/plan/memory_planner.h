// Where each intermediate lies in the arena.
#pragma once

#include <cstdint>
#include <vector>

namespace engine {

struct Block {
  int64_t bytes;       // >= 0
  int first, last;     // the steps during which it is alive, both included
  int64_t offset = 0;  // told by place_blocks: a multiple of 64
};

// Gives every block an offset so that blocks alive at the same step do not overlap, and returns the arena's size.
// Largest first, each at the lowest gap that is free for its whole life.
int64_t place_blocks(std::vector<Block>& blocks);

}  // namespace engine
