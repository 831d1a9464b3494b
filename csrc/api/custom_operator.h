// A node whose operator is a user's own, as an Op.
#pragma once

#include <vector>

#include "api/custom_definition.h"

namespace engine {

class CustomOperator final : public Op {
 public:
  CustomOperator() = default;
  ~CustomOperator() override;
  Status infer(InferContext& c) override;
  Status prepare(PrepareContext& c) override;
  Status run(OpRun& r) const override;

  struct Stage {
    int64_t items;
    double ns_per_item;
  };
  const EngineOperator& callbacks() const { return def_->op; }
  const std::vector<Stage>& stages() const { return stages_; }
  const TypeInfo& output_type(int o) const { return output_types_[size_t(o)]; }
  void* state() const { return state_; }
  // Where a run's shared scratch memory begins to be the operator's: views of tensors lie before it.
  static int64_t views_bytes(int tensors);

 private:
  const CustomDefinition* def_ = nullptr;
  std::vector<TypeInfo> output_types_;
  std::vector<Stage> stages_;
  std::vector<RefPtr<Buffer>> packed_;
  void* state_ = nullptr;
};

}  // namespace engine
