#include "plan/program.h"

#include <mutex>

#include "sched/futex.h"

namespace engine {

namespace {

constexpr size_t kMaxFreeStates = 16;

bool same_signature(const TypeInfo& type, const Value* value) {
  if (!value) return type.kind != TypeKind::Tensor;
  if (value->kind == ValueKind::Tensor)
    return type.kind == TypeKind::Tensor && type.dtype == value->tensor.dtype && type.shape == value->tensor.shape;
  return type.kind != TypeKind::Tensor;
}

bool same_signature(const std::vector<TypeInfo>& types, std::span<const Value* const> inputs) {
  for (size_t i = 0; i < inputs.size(); ++i)
    if (!same_signature(types[i], inputs[i])) return false;
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

bool has_loop(const Graph& graph) {
  for (const Node& node : graph.nodes) {
    if (node.op_type == "Loop") return true;
    for (const Body& body : node.bodies)
      if (body.graph && has_loop(*body.graph)) return true;
  }
  return false;
}

}  // namespace

// Giving a state back needs no memory.
PlanEntry::PlanEntry(RefPtr<Plan> plan) : plan_(std::move(plan)), loops_(has_loop(plan_->graph)) { free_.reserve(kMaxFreeStates); }

Result<std::unique_ptr<RunState>> PlanEntry::take(MemoryAccount* account) {
  {
    std::lock_guard<ForkMutex> lock(mutex_);
    if (!free_.empty()) {
      std::unique_ptr<RunState> state = std::move(free_.back());
      free_.pop_back();
      return state;
    }
  }
  return RunState::make(*plan_, account);
}

void PlanEntry::give_back(std::unique_ptr<RunState> state) {
  std::lock_guard<ForkMutex> lock(mutex_);
  if (free_.size() < kMaxFreeStates) free_.push_back(std::move(state));
}

Result<std::shared_ptr<Program>> Program::make(Graph graph, const ProgramOptions& options) {
  PassContext context;
  context.level = options.level;
  context.account = options.account.get();
  ENGINE_TRY(optimize(graph, context));
  std::shared_ptr<Program> program(new Program(std::move(graph), options));
  if (!options.aligned) program->options_.aligned = std::make_shared<AlignedConstants>();
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

// REQUIRES: mutex_ is held.
RefPtr<PlanEntry> Program::look_up(std::span<const Value* const> inputs) {
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (!same_signature(entries_[i]->plan().input_types, inputs)) continue;
    RefPtr<PlanEntry> found = entries_[i];
    for (size_t j = i; j > 0; --j) entries_[j] = std::move(entries_[j - 1]);
    if (i > 0) entries_[0] = found;
    return found;
  }
  return nullptr;
}

RefPtr<PlanEntry> Program::find(std::span<const Value* const> inputs) {
  std::lock_guard<ForkMutex> lock(mutex_);
  return look_up(inputs);
}

// The build under way for that signature; a new one, which is the caller's to do, when there is none.
RefPtr<PlanBuild> Program::join(std::span<const Value* const> inputs, RefPtr<PlanEntry>* found, bool* mine) {
  std::vector<TypeInfo> types;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const TypeInfo& formal = graph_[graph_.inputs[i]].type;
    if (!inputs[i]) types.push_back(formal.is_tensor() ? TypeInfo() : formal);
    else if (inputs[i]->kind == ValueKind::Tensor) types.push_back(type_of(*inputs[i]));
    else types.push_back(formal);
  }
  RefPtr<PlanBuild> fresh = make_ref<PlanBuild>(std::move(types));
  std::lock_guard<ForkMutex> lock(mutex_);
  *mine = false;
  if ((*found = look_up(inputs))) return nullptr;
  for (const RefPtr<PlanBuild>& build : builds_)
    if (build->generation == fresh->generation && same_signature(build->types, inputs)) return build;
  *mine = true;
  builds_.push_back(fresh);
  return fresh;
}

void Program::add(const RefPtr<PlanEntry>& entry) {
  RefPtr<PlanEntry> dropped;
  std::lock_guard<ForkMutex> lock(mutex_);
  if (entries_.size() >= size_t(options_.max_plans)) {
    dropped = std::move(entries_.back());
    entries_.pop_back();
  }
  entries_.insert(entries_.begin(), entry);
}

void PlanBuild::finish(Result<RefPtr<PlanEntry>> result) {
  if (result.ok()) entry = result.take();
  else status = std::move(result).status();
  done.store(1, std::memory_order_release);
  futex_wake(done, 1 << 30);
}

Result<RefPtr<PlanEntry>> PlanBuild::wait() {
  while (done.load(std::memory_order_acquire) == 0) futex_wait(done, 0);
  if (entry) return RefPtr<PlanEntry>(entry);
  return Status(status.code(), status.message());
}

Result<RefPtr<PlanEntry>> Program::build(std::span<const Value* const> inputs) {
  RefPtr<PlanEntry> found;
  bool mine;
  RefPtr<PlanBuild> build = join(inputs, &found, &mine);
  if (found) return found;
  if (!mine) return build->wait();
  struct Removal {
    Program& program;
    const RefPtr<PlanBuild>& build;
    // Also when memory runs out on the way: those who wait must hear of it.
    ~Removal() {
      {
        std::lock_guard<ForkMutex> lock(program.mutex_);
        std::erase(program.builds_, build);
      }
      if (build->done.load() == 0) build->finish(error(Code::MemoryLimitExceeded, "the system refuses memory while planning"));
    }
  } removal{*this, build};
  PlanOptions plan_options;
  plan_options.threads = options_.threads;
  plan_options.level = options_.level;
  plan_options.cache = options_.cache.get();
  plan_options.aligned = options_.aligned.get();
  plan_options.account = options_.account.get();
  Result<RefPtr<Plan>> plan = build_plan(graph_, build->types, plan_options);
  if (!plan.ok()) {
    build->finish(std::move(plan).status());
    return build->wait();
  }
  RefPtr<PlanEntry> entry = make_ref<PlanEntry>(plan.take());
  add(entry);
  build->finish(entry);
  return entry;
}

Result<RefPtr<PlanEntry>> Program::entry_for(std::span<const Value* const> inputs) {
  if (RefPtr<PlanEntry> found = find(inputs)) return found;
  return build(inputs);
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

std::vector<std::vector<TypeInfo>> Program::recent_signatures(size_t limit) const {
  std::vector<std::vector<TypeInfo>> out;
  std::lock_guard<ForkMutex> lock(mutex_);
  for (size_t i = 0; i < entries_.size() && i < limit; ++i) out.push_back(entries_[i]->plan().input_types);
  return out;
}

int Program::plan_count() const {
  std::lock_guard<ForkMutex> lock(mutex_);
  return int(entries_.size());
}

}  // namespace engine
