// Preparing the operators of a plan, several at a time: packing constants is most of what making a plan takes.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "ops/op.h"
#include "ops/op_evaluate.h"
#include "plan/plan.h"

namespace engine {

// Hands on what is asked of a cache, and knows what was packed.
class PackRecorder final : public PackCache {
 public:
  explicit PackRecorder(PackCache* cache) : cache_(cache) {}
  Result<RefPtr<Buffer>> get(const Packing& packing) override;
  bool packed(const Tensor* constant) const;

 private:
  PackCache* cache_;
  std::vector<const Tensor*> packed_;
};

// A node's operator and all that its prepare sees. Neither moved nor copied: the context refers to it.
struct Preparation {
  Preparation(const Graph& graph, const Node& node, const PlanOptions& options);
  Preparation(const Preparation&) = delete;
  Preparation& operator=(const Preparation&) = delete;

  const Node& node;
  std::vector<const TypeInfo*> types;
  std::vector<std::shared_ptr<const Tensor>> constants;
  std::vector<const Tensor*> values;
  CompiledBodies bodies;
  std::unique_ptr<Op> op;
  PackRecorder recorder;
  PrepareContext context;
  int index = 0, step = -1;  // the node; its step, if it has one

  int64_t constant_bytes() const;
};

// Calls prepare of each, on up to `threads` threads where there is much to pack. The Status of the first that failed.
Status run_preparations(std::span<const std::unique_ptr<Preparation>> all, int threads);

}  // namespace engine
