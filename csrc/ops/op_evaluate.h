// Running one node on values that are there: for steps whose shapes only run time tells, and for folding.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "ops/op.h"

namespace engine {

// What surrounds a node when it is prepared.
struct Surroundings {
  PackCache* cache = nullptr;
  MemoryAccount* account = nullptr;
  int threads = 1;
  bool allow_random = false;
  std::span<const std::shared_ptr<const Tensor>> constants;  // per input; may be empty
};

// What compiled bodies say of their outputs.
class CompiledBodies final : public BodyInference {
 public:
  // InternalError when the body is not compiled.
  Result<std::vector<TypeInfo>> infer_body(const Node& node, const char* name, std::span<const TypeInfo> formal) override;
};

// The type of a value that is there, every dimension known.
TypeInfo type_of(const Value& value);

// A node with the Op that was prepared for the inputs it saw last. For one call at a time.
class PreparedNode {
 public:
  // Computes outputs from inputs (null: left out). An output whose tensor already has data is computed there when its bytes
  // suffice (it is the caller's memory); others own their memory afterwards. Null outputs are not wanted.
  Status run(const Node& node, std::span<const Value* const> inputs, std::span<Value* const> outputs, RunContext& context,
             const Surroundings& around);

 private:
  Status prepare(const Node& node, std::span<const Value* const> inputs, RunContext& context, const Surroundings& around);
  bool fits(std::span<const Value* const> inputs) const;
  Status place_outputs(std::span<const Value* const> inputs, std::span<Value* const> outputs, RunContext& context,
                       const Surroundings& around, bool* run_needed);

  std::unique_ptr<Op> op_;
  std::vector<TypeInfo> types_;
  std::vector<Tensor> values_read_;  // per input: a copy of the elements that infer read
  uint64_t reads_ = 0;
  std::vector<InferContext::Output> outputs_;
  RefPtr<Buffer> scratch_, shared_scratch_;
  int64_t scratch_per_worker_ = 0;
};

}  // namespace engine
