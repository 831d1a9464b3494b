#include "plan/executor.h"

#include <cstring>

namespace engine {

Result<std::unique_ptr<RunState>> RunState::make(const Plan& plan, MemoryAccount* account) {
  auto state = std::make_unique<RunState>();
  ENGINE_ASSIGN(state->arena_, Buffer::allocate_lasting(plan.arena_bytes, account, "the arena"));
  if (plan.scratch_per_worker > 0) {
    ENGINE_ASSIGN(state->scratch_, Buffer::allocate_lasting(plan.scratch_per_worker * plan.threads, account, "scratch memory"));
  }
  size_t n = plan.slots.size();
  state->values_.resize(n);
  for (size_t v = 0; v < n; ++v) {
    const Slot& slot = plan.slots[v];
    Value& value = state->values_[v];
    if (slot.type.static_shape() && slot.place != Place::Dynamic) {
      value.kind = ValueKind::Tensor;
      value.tensor.dtype = slot.type.dtype;
      value.tensor.shape = slot.type.shape;
    }
    if (slot.place == Place::Arena) value.tensor.data = state->arena_->data() + slot.offset;
    if (slot.place == Place::Constant) {
      value.tensor.dtype = slot.type.dtype;
      value.tensor.data = static_cast<char*>(slot.constant->data) + slot.offset;
      value.tensor.buffer = slot.constant->buffer;
    }
    if (slot.place == Place::Input) state->input_values_.emplace_back(ValueId(v), slot.index);
    if (slot.place == Place::Output) state->output_values_.emplace_back(ValueId(v), slot.index);
  }
  state->refs_.reserve(plan.refs.size());
  for (ValueId v : plan.refs) state->refs_.push_back(v < 0 ? nullptr : &state->values_[size_t(v)]);
  state->prepared_.resize(plan.steps.size());
  for (size_t s = 0; s < plan.steps.size(); ++s)
    if (!plan.steps[s].op) state->prepared_[s] = std::make_unique<PreparedNode>();
  return state;
}

void Executor::bind_inputs(std::span<const Value* const> inputs) {
  for (auto [v, index] : state_.input_values_) {
    const Slot& slot = plan_.slots[size_t(v)];
    Value& value = state_.values_[size_t(v)];
    const Value* given = inputs[size_t(index)];
    if (!slot.type.static_shape() || slot.type.dtype == DType::String) {
      value = given ? *given : Value();
    } else {
      value.tensor.data = static_cast<char*>(given->tensor.data) + slot.offset;
      value.tensor.buffer = given->tensor.buffer;
    }
  }
}

Status Executor::bind_outputs(std::span<Value> outputs) {
  for (size_t k = 0; k < plan_.outputs.size(); ++k) {
    const PlanOutput& told = plan_.outputs[k];
    if (!told.bound || outputs[k].tensor.data) continue;
    const TypeInfo& type = plan_.slots[size_t(told.value)].type;
    ENGINE_ASSIGN(outputs[k].tensor, make_tensor(type.dtype, type.shape, nullptr, "an output"));
    outputs[k].kind = ValueKind::Tensor;
  }
  for (auto [v, index] : state_.output_values_)
    state_.values_[size_t(v)].tensor.data = static_cast<char*>(outputs[size_t(index)].tensor.data) + plan_.slots[size_t(v)].offset;
  return {};
}

Status Executor::allocate_strings(const Step& step, OpRun& r) {
  for (int o : step.allocate) {
    ValueId v = plan_.refs[size_t(step.refs + step.inputs + o)];
    Value& value = state_.values_[size_t(v)];
    const TypeInfo& type = plan_.slots[size_t(v)].type;
    ENGINE_ASSIGN(value.tensor, r.make(type.dtype, type.shape));
    value.kind = ValueKind::Tensor;
  }
  return {};
}

Status Executor::run_step(size_t index, OpRun& r) {
  const Step& step = plan_.steps[index];
  Value* const* refs = state_.refs_.data() + step.refs;
  if (step.op) {
    r.inputs_ = refs;
    r.outputs_ = refs + step.inputs;
    r.input_count_ = step.inputs;
    r.output_count_ = step.outputs;
    r.captures_ = step.captures;
    r.shared_scratch_ = step.shared_scratch < 0 ? nullptr : state_.arena_->data() + step.shared_scratch;
    Status status = step.allocate.empty() ? Status() : allocate_strings(step, r);
    if (status.ok()) status = step.op->run(r);
    return status.ok() ? Status() : std::move(status).with_context(plan_.graph.nodes[size_t(step.node)].label());
  }
  const Node& node = plan_.graph.nodes[size_t(step.node)];
  std::vector<std::shared_ptr<const Tensor>> constants(node.inputs.size());
  for (size_t i = 0; i < constants.size(); ++i)
    if (node.inputs[i] >= 0) constants[i] = plan_.graph[node.inputs[i]].constant;
  Surroundings around = around_;
  around.constants = constants;
  return state_.prepared_[index]->run(node, {refs, size_t(step.inputs)}, {refs + step.inputs, size_t(step.outputs)}, context_, around);
}

Status Executor::run_steps(StepTimes* times) {
  RunContext context(context_.control(), context_.threads(), state_.scratch_ ? state_.scratch_->data() : nullptr, plan_.scratch_per_worker);
  OpRun r;
  r.context_ = &context;
  r.account_ = around_.account;
  r.random_allowed_ = around_.allow_random;
  for (size_t s = 0; s < plan_.steps.size(); ++s) {
    const Step& step = plan_.steps[s];
    if (!context_.control().check_step())
      return context_.control().status().with_context(plan_.graph.nodes[size_t(step.node)].label());
    int64_t begin = times ? now_ns() : 0;
    ENGINE_TRY(run_step(s, r));
    if (times) (*times)[s] = now_ns() - begin;
    for (ValueId v : step.release) state_.values_[size_t(v)] = Value();
  }
  return {};
}

Status Executor::hand_over(std::span<Value> outputs) {
  OpRun owner;
  owner.account_ = around_.account;
  owner.context_ = &context_;
  for (size_t k = 0; k < plan_.outputs.size(); ++k) {
    const PlanOutput& told = plan_.outputs[k];
    if (told.bound) {
      outputs[k].kind = ValueKind::Tensor;
      outputs[k].tensor.dtype = plan_.slots[size_t(told.value)].type.dtype;
      outputs[k].tensor.shape = plan_.slots[size_t(told.value)].type.shape;
      continue;
    }
    const Value& value = state_.values_[size_t(told.value)];
    void* memory = outputs[k].tensor.buffer ? nullptr : outputs[k].tensor.data;
    if (told.fixed && memory) {
      ENGINE_TRY(owner.copy(value.tensor, memory));
      outputs[k].kind = ValueKind::Tensor;
      outputs[k].tensor.dtype = value.tensor.dtype;
      outputs[k].tensor.shape = value.tensor.shape;
    } else {
      ENGINE_ASSIGN(outputs[k], owner.own(value));
    }
  }
  return {};
}

void Executor::release() {
  for (ValueId v : plan_.dynamic_values) state_.values_[size_t(v)] = Value();
  for (auto [v, index] : state_.input_values_) {
    state_.values_[size_t(v)].tensor.buffer = nullptr;
    state_.values_[size_t(v)].parts.reset();
  }
}

Status Executor::run(std::span<const Value* const> inputs, std::span<Value> outputs, StepTimes* times) {
  bind_inputs(inputs);
  if (times) times->assign(plan_.steps.size(), 0);
  Status status = bind_outputs(outputs);
  if (status.ok()) status = run_steps(times);
  if (status.ok()) status = hand_over(outputs);
  release();
  return status;
}

}  // namespace engine
