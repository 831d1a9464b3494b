// Aligned copies of a model's constants that are views of its file, for steps that read them where they lie.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "base/memory.h"
#include "plan/plan.h"

namespace engine {

// Shared by all plans of a model. Thread-safe.
class AlignedConstants {
 public:
  // The same for the same constant; charged to `account`, which must outlive the copy.
  Result<std::shared_ptr<const Tensor>> get(const std::shared_ptr<const Tensor>& constant, MemoryAccount* account);

 private:
  struct Copy {
    std::shared_ptr<const Tensor> source, copy;  // the source is kept, so that its address is not given to another
  };
  std::mutex mutex_;
  std::map<const Tensor*, Copy> copies_;
};

}  // namespace engine
