#include "plan/program.h"

namespace engine {
namespace {

constexpr size_t kMaxFreeStates = 16;

bool same_signature(const TypeInfo& type, const Value* value) {
  if (!value) return type.kind != TypeKind::Tensor;
  if (value->kind == ValueKind::Tensor)
    return type.kind == TypeKind::Tensor && type.dtype == value->tensor.dtype && type.shape == value->tensor.shape;
  return type.kind != TypeKind::Tensor;
}

bool same_signature(const Plan& plan, std::span<const Value* const> inputs) {
  for (size_t i = 0; i < inputs.size(); ++i)
    if (!same_signature(plan.input_types[i], inputs[i])) return false;
  return true;
}

// Stands for a branch that cannot run: an If may hold one for shapes that never occur. The model fails only when it is taken.
class FailingProgram final : public Subprogram {
 public:
  FailingProgram(const Graph& graph, Status status) : inputs_(int(graph.inputs.size())), status_(std::move(status)) {
    for (ValueId v : graph.outputs) outputs_.push_back(graph[v].type);
  }
  int inputs() const override { return inputs_; }
  int outputs() const override { return int(outputs_.size()); }
  TypeInfo output_type(int i) const override { return outputs_[size_t(i)]; }
  Status run(RunContext&, std::span<const Value* const>, std::span<Value>) override {
    return Status(status_.code(), status_.message());
  }

 private:
  int inputs_;
  std::vector<TypeInfo> outputs_;
  Status status_;
};

}  // namespace

Result<std::unique_ptr<RunState>> PlanEntry::take(MemoryAccount* account) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!free_.empty()) {
      std::unique_ptr<RunState> state = std::move(free_.back());
      free_.pop_back();
      return state;
    }
  }
  return RunState::make(*plan_, account);
}

void PlanEntry::give_back(std::unique_ptr<RunState> state) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (free_.size() < kMaxFreeStates) free_.push_back(std::move(state));
}

Result<std::shared_ptr<Program>> Program::make(Graph graph, const ProgramOptions& options) {
  PassContext context;
  context.level = options.level;
  context.account = options.account.get();
  ENGINE_TRY(optimize(graph, context));
  std::shared_ptr<Program> program(new Program(std::move(graph), options));
  ENGINE_TRY(program->compile_bodies());
  return program;
}

Status Program::compile_bodies() {
  for (Node& node : graph_.nodes)
    for (Body& body : node.bodies) {
      if (!body.graph) continue;
      Graph graph = clone(*body.graph);
      Result<std::shared_ptr<Program>> program = make(std::move(graph), options_);
      if (!program.ok()) {
        Status status = std::move(program).status().with_context(node.label() + " body '" + body.name + "'");
        if (node.op_type != "If" || status.code() != Code::InvalidModel) return status;
        body.program = std::make_shared<FailingProgram>(*body.graph, std::move(status));
        continue;
      }
      body.program = program.take();
      body.graph = std::make_shared<Graph>(static_cast<Program*>(body.program.get())->graph());
    }
  return {};
}

Result<RefPtr<PlanEntry>> Program::entry_for(std::span<const Value* const> inputs) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (size_t i = 0; i < entries_.size(); ++i) {
      if (!same_signature(entries_[i]->plan(), inputs)) continue;
      RefPtr<PlanEntry> found = entries_[i];
      for (size_t j = i; j > 0; --j) entries_[j] = std::move(entries_[j - 1]);
      if (i > 0) entries_[0] = found;
      return found;
    }
  }
  std::vector<TypeInfo> types;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const TypeInfo& formal = graph_[graph_.inputs[i]].type;
    if (!inputs[i]) types.push_back(formal.is_tensor() ? TypeInfo() : formal);
    else if (inputs[i]->kind == ValueKind::Tensor) types.push_back(type_of(*inputs[i]));
    else types.push_back(formal);
  }
  PlanOptions plan_options;
  plan_options.threads = options_.threads;
  plan_options.level = options_.level;
  plan_options.cache = options_.cache.get();
  plan_options.account = options_.account.get();
  ENGINE_ASSIGN(RefPtr<Plan> plan, build_plan(graph_, std::move(types), plan_options));
  RefPtr<PlanEntry> entry = make_ref<PlanEntry>(std::move(plan));
  std::lock_guard<std::mutex> lock(mutex_);
  for (const RefPtr<PlanEntry>& other : entries_)
    if (same_signature(other->plan(), inputs)) return RefPtr<PlanEntry>(other);
  if (entries_.size() >= size_t(options_.max_plans)) entries_.pop_back();
  entries_.insert(entries_.begin(), entry);
  return entry;
}

Status Program::run_entry(PlanEntry& entry, RunContext& context, std::span<const Value* const> inputs, std::span<Value> outputs,
                          StepTimes* times) {
  ENGINE_ASSIGN(std::unique_ptr<RunState> state, entry.take(options_.account.get()));
  Surroundings around;
  around.cache = options_.cache.get();
  around.account = options_.account.get();
  around.threads = options_.threads;
  around.allow_random = options_.allow_random;
  Status status = Executor(entry.plan(), *state, context, around).run(inputs, outputs, times);
  entry.give_back(std::move(state));
  return status;
}

Status Program::run(RunContext& context, std::span<const Value* const> inputs, std::span<Value> outputs) {
  ENGINE_ASSIGN(RefPtr<PlanEntry> entry, entry_for(inputs));
  for (Value& v : outputs) v = Value();
  return run_entry(*entry, context, inputs, outputs);
}

int Program::plan_count() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return int(entries_.size());
}

}  // namespace engine
