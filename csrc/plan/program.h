// A graph that is ready for every input shape: a bounded set of plans, each with its free run states.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "plan/aligned_constants.h"
#include "plan/call_time.h"
#include "plan/executor.h"
#include "sched/fork.h"

namespace engine {

struct ProgramOptions {
  int threads = 1;                       // one call may use
  Level level = Level::All;
  bool allow_random = false;             // see LoadOptions
  int max_plans = 32;                    // signatures kept; the one unused longest goes first
  RefPtr<MemoryAccount> account;         // charged with packed constants, arenas and what runs allocate
  std::shared_ptr<PackCache> cache;
  std::shared_ptr<AlignedConstants> aligned;  // null: one is made
};

// A plan and the run states that no call is using.
class PlanEntry : public RefCounted {
 public:
  explicit PlanEntry(RefPtr<Plan> plan);
  const Plan& plan() const { return *plan_; }
  // A state that is free, or a new one.
  Result<std::unique_ptr<RunState>> take(MemoryAccount* account);
  void give_back(std::unique_ptr<RunState> state);
  // What calls on this plan take.
  CallTime& time() { return time_; }
  // There is a Loop in it: a call may take longer than any before, whatever the shapes.
  bool loops() const { return loops_; }

 private:
  RefPtr<Plan> plan_;
  const bool loops_;
  CallTime time_;
  ForkMutex mutex_;
  std::vector<std::unique_ptr<RunState>> free_;
};

// A plan in the making, for those who wait for it.
struct PlanBuild : RefCounted {
  explicit PlanBuild(std::vector<TypeInfo> t) : types(std::move(t)) {}
  // Tells those who wait. Once.
  void finish(Result<RefPtr<PlanEntry>> result);
  // Blocks until finish.
  Result<RefPtr<PlanEntry>> wait();

  const std::vector<TypeInfo> types;
  const int generation = fork_generation();  // a build that another process began does not end in this one
  std::atomic<uint32_t> done{0};
  Status status;  // this and entry: written before done is set
  RefPtr<PlanEntry> entry;
};

class Program final : public Subprogram {
 public:
  // Optimises the graph at load and compiles its bodies. The graph is resolved.
  static Result<std::shared_ptr<Program>> make(Graph graph, const ProgramOptions& options);

  const Graph& graph() const { return graph_; }
  const ProgramOptions& options() const { return options_; }

  // The plan for inputs of these types (every tensor's shape known); null when there is none yet. Thread-safe.
  RefPtr<PlanEntry> find(std::span<const Value* const> inputs);
  // The same, built when it is not there: by one thread, for which others that ask meanwhile wait. Thread-safe.
  Result<RefPtr<PlanEntry>> entry_for(std::span<const Value* const> inputs);
  // Runs on that plan. Thread-safe.
  Status run_entry(PlanEntry& entry, RunContext& context, std::span<const Value* const> inputs, std::span<Value> outputs,
                   StepTimes* times = nullptr);

  int inputs() const override { return int(graph_.inputs.size()); }
  int outputs() const override { return int(graph_.outputs.size()); }
  TypeInfo output_type(int i) const override { return graph_[graph_.outputs[size_t(i)]].type; }
  Status run(RunContext& context, std::span<const Value* const> inputs, std::span<Value> outputs) override;

  int plan_count() const;
  // The input types of the plans that were used last, the latest first, at most `limit`.
  std::vector<std::vector<TypeInfo>> recent_signatures(size_t limit) const;

 private:
  Program(Graph graph, const ProgramOptions& options) : graph_(std::move(graph)), options_(options) {}
  Status compile_bodies();
  RefPtr<PlanEntry> look_up(std::span<const Value* const> inputs);
  RefPtr<PlanBuild> join(std::span<const Value* const> inputs, RefPtr<PlanEntry>* found, bool* mine);
  Result<RefPtr<PlanEntry>> build(std::span<const Value* const> inputs);
  void add(const RefPtr<PlanEntry>& entry);

  Graph graph_;
  ProgramOptions options_;
  mutable ForkMutex mutex_;
  std::vector<RefPtr<PlanEntry>> entries_;  // the one used last comes first
  std::vector<RefPtr<PlanBuild>> builds_;
};

}  // namespace engine
