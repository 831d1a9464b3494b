// One call as a binding puts it together: inputs in, plan found, outputs given memory, run.
#pragma once

#include <vector>

#include "service/model.h"

namespace engine {

class Call {
 public:
  explicit Call(Model* model) : model_(model), inputs_(model->inputs().size()), refs_(model->inputs().size(), nullptr), outputs_(model->outputs().size()) {}

  // Input i is a plain tensor in the caller's memory, which must outlive the call.
  void set_tensor(int i, DType dtype, int rank, const int64_t* dims, void* data) {
    Value& v = inputs_[size_t(i)];
    v.kind = ValueKind::Tensor;
    v.tensor.dtype = dtype;
    v.tensor.shape = Shape();
    for (int d = 0; d < rank; ++d) v.tensor.shape.push_back(dims[d]);
    v.tensor.data = data;
    refs_[size_t(i)] = &v;
  }
  void set_value(int i, Value value) {
    inputs_[size_t(i)] = std::move(value);
    refs_[size_t(i)] = &inputs_[size_t(i)];
  }
  bool is_set(int i) const { return refs_[size_t(i)] != nullptr; }

  // Finds or builds the plan. REQUIRES: every required input is set. InvalidInput when shapes do not fit.
  Status plan();
  // After plan(): whether output k's type is known, so that memory may be bound.
  bool fixed(int k) const { return entry_->plan().outputs[size_t(k)].fixed; }
  const TypeInfo& output_type(int k) const {
    const Plan& p = entry_->plan();
    return p.slots[size_t(p.outputs[size_t(k)].value)].type;
  }
  // Memory for a fixed output; it must outlive run().
  void bind_output(int k, void* data) { outputs_[size_t(k)].tensor.data = data; }

  // deadline_ns on now_ns()'s clock, kNever for none. std::bad_alloc becomes MemoryLimitExceeded.
  Status run(int64_t deadline_ns, const CancelToken* token, StepTimes* times = nullptr);
  Value& output(int k) { return outputs_[size_t(k)]; }
  const Plan& plan_used() const { return entry_->plan(); }

 private:
  Model* model_;
  std::vector<Value> inputs_;
  std::vector<const Value*> refs_;
  std::vector<Value> outputs_;
  RefPtr<PlanEntry> entry_;
};

}  // namespace engine
