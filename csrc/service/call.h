// One call: inputs in, a permit, the current version pinned, its plan run, outputs out; counted from beginning to end.
//
// In order: Call, open, set_* for every input, then either enter_at_once, bind_output where wanted, run; or, when that is
// false, wait_and_run. Or refuse instead of any of these. The destructor gives back what is still held.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "service/service.h"

namespace engine {

struct CallOptions {
  int64_t deadline_ns = kNever;    // on now_ns()'s clock; see Call::deadline
  TimedCancelToken* token = nullptr;  // must outlive the call
  bool high_priority = false;
  Interrupt* interrupt = nullptr;  // asked on the thread that waits and computes; must outlive the call
};

// What became of a call, for errors and logs.
struct CallReport {
  int64_t queued_ns = 0, computed_ns = 0;
  int version = 0, signature = 0;  // of the version that the call ran on, or was checked against
  int64_t retry_after_ns = 0;  // overloaded: about when the queue will have moved on
  std::string node;            // where it stopped: "node 'name' (Op)", or ""
};

class Call {
 public:
  // Begins a call; `service` must outlive it. counted: in the service's metrics.
  explicit Call(Service& service, bool counted = true);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // Pins the version that is current. NotReady, Draining when no calls are taken.
  Status open();
  // The version that is pinned. REQUIRES: open() was fine, and neither run nor wait_and_run was called.
  const Version& version() const { return *pin_.value; }

  // The deadline of this call, given the seconds that its caller allows (negative: none said): the service's default and maximum
  // are seen to. Counted from the call's beginning.
  int64_t deadline(double seconds) const;

  // Input i is a plain tensor in the caller's memory, which must outlive the call.
  void set_tensor(int i, DType dtype, int rank, const int64_t* dims, void* data);
  void set_value(int i, Value value);

  // Takes a permit if one is free, the plan is made and nobody waits: all without blocking. False: nothing was taken.
  bool enter_at_once(const CallOptions& options);
  // The same, only if calls like this one are known to take at most `limit_ns`: their plan has no Loop, whose rounds may be many
  // more this time. A call that was not counted is from then on.
  bool enter_if_short(const CallOptions& options, int64_t limit_ns);
  // After enter_at_once: whether output k's type is known, so that memory may be bound.
  bool fixed(int k) const { return entry_->plan().outputs[size_t(k)].fixed; }
  const TypeInfo& output_type(int k) const {
    const Plan& p = entry_->plan();
    return p.slots[size_t(p.outputs[size_t(k)].value)].type;
  }
  // Memory for a fixed output; it must outlive run().
  void bind_output(int k, void* data) { outputs_[size_t(k)].tensor.data = data; }
  // After enter_at_once. std::bad_alloc becomes MemoryLimitExceeded. `times`, when not null, gets what each step took.
  Status run(StepTimes* times = nullptr);

  // Waits for a permit and for the plan as long as the deadline allows, and runs; outputs own their memory.
  Status wait_and_run(const CallOptions& options, StepTimes* times = nullptr);

  // Ends the call without computing.
  void refuse(Outcome outcome);

  // Finds or makes the plan, without a permit. For looking at it.
  Status plan();
  const Plan& plan_used() const { return entry_->plan(); }

  Value& output(int k) { return outputs_[size_t(k)]; }
  const CallReport& report() const { return report_; }
  Service& service() { return service_; }

 protected:
  friend class AsyncCall;
  // What the admission decided other than Granted, as a Status; ends the call.
  Status refused(Decision decision);
  // With the permit: pins the current version again, finds or makes the plan, computes, gives the permit back.
  Status run_granted(StepTimes* times);
  int64_t expected_ns();

 private:
  Status pin();
  void unpin();
  Status pin_again();
  Status make_plan();
  Status make_plan_elsewhere();
  Status compute(StepTimes* times);
  Status finish(Status status);
  int64_t cancelled_ns() const;
  void name_node(std::string_view message);
  void count(Outcome outcome);
  void leave();
  bool began_here() const { return generation_ == fork_generation(); }

  Service& service_;
  MetricsBlock& counts_;
  const int64_t began_ns_;
  const int generation_ = fork_generation();  // a call that fork() copied holds and counts nothing in the child
  int64_t granted_ns_ = 0;
  int64_t stopped_ns_ = 0;  // when a checkpoint ended its computing; 0: none did
  int64_t mean_ns_ = 0;  // what recent calls on its plan took, when it began to wait; 0: not known
  bool ended_, permit_ = false;  // an uncounted call has ended from the start
  bool hands_over_ = false;      // its thread goes on with the call that gets its permit
  bool fresh_plan_ = false;      // made by this call: what it takes says nothing of the next
  ModelSlot<Version>::Pin pin_;
  RefPtr<PlanEntry> entry_;
  CallOptions options_;
  std::vector<Value> inputs_;
  std::vector<const Value*> refs_;
  std::vector<Value> outputs_;
  CallReport report_;
};

}  // namespace engine
