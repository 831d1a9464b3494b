#include "plan/memory_planner.h"

#include <algorithm>
#include <numeric>

#include "base/checked.h"
#include "base/memory.h"

namespace engine {

int64_t place_blocks(std::vector<Block>& blocks) {
  std::vector<int> order(blocks.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return blocks[size_t(a)].bytes > blocks[size_t(b)].bytes; });
  std::vector<const Block*> placed;  // by offset
  int64_t total = 0;
  for (int i : order) {
    Block& block = blocks[size_t(i)];
    if (block.bytes == 0) continue;
    int64_t size = round_up(block.bytes, int64_t(kAlignment)), at = 0;
    for (const Block* other : placed) {
      if (other->last < block.first || other->first > block.last) continue;
      if (other->offset >= at + size) break;
      at = std::max(at, round_up(other->offset + other->bytes, int64_t(kAlignment)));
    }
    block.offset = at;
    total = std::max(total, at + size);
    placed.insert(std::upper_bound(placed.begin(), placed.end(), &block,
                                   [](const Block* a, const Block* b) { return a->offset < b->offset; }),
                  &block);
  }
  return total;
}

}  // namespace engine
