// Running a plan.
#pragma once

#include <span>
#include <vector>

#include "plan/plan.h"

namespace engine {

// The memory of one call in flight: the arena, and a descriptor for each value with its place filled in. For one call at a time.
class RunState {
 public:
  // MemoryLimitExceeded when the arena does not fit.
  static Result<std::unique_ptr<RunState>> make(const Plan& plan, MemoryAccount* account);

 private:
  friend class Executor;
  RefPtr<Buffer> arena_, scratch_;
  std::vector<Value> values_;               // by ValueId
  std::vector<Value*> refs_;                // as Plan::refs
  std::vector<std::unique_ptr<PreparedNode>> prepared_;  // by step, for dynamic ones
  std::vector<std::pair<ValueId, int>> input_values_, output_values_;  // slots in the caller's memory, and whose
};

// Nanoseconds that each step of a run took.
using StepTimes = std::vector<int64_t>;

class Executor {
 public:
  Executor(const Plan& plan, RunState& state, RunContext& context, const Surroundings& around)
      : plan_(plan), state_(state), context_(context), around_(around) {}

  // outputs[k].tensor.data may hold memory of the caller for an output that is fixed: the answer is then there. Otherwise the
  // output owns its memory afterwards. On failure outputs are unspecified and the state is as after make().
  Status run(std::span<const Value* const> inputs, std::span<Value> outputs, StepTimes* times = nullptr);

 private:
  void bind_inputs(std::span<const Value* const> inputs);
  Status bind_outputs(std::span<Value> outputs);
  Status run_steps(StepTimes* times);
  Status run_step(size_t index, OpRun& r);
  Status allocate_strings(const Step& step, OpRun& r);
  Status hand_over(std::span<Value> outputs);
  void release();

  const Plan& plan_;
  RunState& state_;
  RunContext& context_;
  const Surroundings& around_;
};

}  // namespace engine
