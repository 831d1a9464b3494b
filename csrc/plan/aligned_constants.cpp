#include "plan/aligned_constants.h"

#include "passes/align_constants.h"

namespace engine {

Result<std::shared_ptr<const Tensor>> AlignedConstants::get(const std::shared_ptr<const Tensor>& constant, MemoryAccount* account) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = copies_.find(constant.get());
  if (found != copies_.end()) return std::shared_ptr<const Tensor>(found->second.copy);
  ENGINE_ASSIGN(std::shared_ptr<const Tensor> copy, aligned_copy(*constant, account));
  copies_[constant.get()] = {constant, copy};
  return copy;
}

}  // namespace engine
