#include "service/call.h"

#include <algorithm>
#include <new>

#include "sched/call_threads.h"
#include "sched/late_thread.h"
#include "sched/thread_pool.h"

namespace engine {
namespace {

constexpr int64_t kLookEveryNs = 10'000'000;
constexpr int64_t kWorthMovingNs = 100'000;

// At load a shape that does not fit is the model's fault, in a call it is the inputs'.
Status as_call_error(Status status) {
  if (status.code() != Code::InvalidModel) return status;
  return Status(Code::InvalidInput, status.message());
}

double ms(int64_t ns) { return double(ns) * 1e-6; }

// A call whose own thread waits for its turn.
class SyncWaiter final : public Waiter, public CancelListener {
 public:
  SyncWaiter(const CallOptions& options, int64_t expected) : options_(options) {
    deadline_ns = options.deadline_ns;
    expected_ns = expected;
    high_priority = options.high_priority;
  }

  Decision wait(Admission& admission) {
    bool listens = options_.token && options_.token->listen(*this);
    if (options_.token && !listens) on_cancel();
    Decision decision = wait_until_told(admission);
    if (listens) options_.token->unlisten(*this);
    return decision;
  }

  void on_cancel() override { ring(kCancelled); }

 private:
  enum : uint32_t { kDecided = 1, kCancelled = 2 };

  // A call that computes for a while begins on this CPU, which is about to be free, not behind one that computes on another.
  void on_decision() override {
    if (decision() == Decision::Granted) {
      if (expected_ns >= kWorthMovingNs && this_cpu_is_next()) wake_here_.narrow(thread_);
      expect_caller();
    }
    ring(kDecided);
  }

  // After the word is set the waiter may be gone: only its address is used.
  void ring(uint32_t bit) {
    std::atomic<uint32_t>& word = told_;
    word.fetch_or(bit);
    futex_wake(word, 1);
  }

  Decision wait_until_told(Admission& admission) {
    bool leaving = false;
    for (;;) {
      uint32_t told = told_.load();
      if (told & kDecided) return begin();
      if (generation_ != fork_generation()) {
        wake_here_.widen();
        return Decision::Withdrawn;
      }
      if (!leaving) {
        Decision why = reason_to_leave(told);
        if (why != Decision::Waiting) {
          if (admission.withdraw(*this, why)) return why;
          leaving = true;
        }
      }
      if (leaving) futex_wait(told_, told);
      else futex_wait_until(told_, told, options_.interrupt ? std::min(deadline_ns, now_ns() + kInterruptEveryNs) : deadline_ns);
    }
  }

  Decision reason_to_leave(uint32_t told) {
    if (told & kCancelled) return Decision::Withdrawn;
    if (deadline_ns != kNever && now_ns() >= deadline_ns) return Decision::Expired;
    if (options_.interrupt && options_.interrupt->interrupted()) return Decision::Withdrawn;
    return Decision::Waiting;
  }

  Decision begin() {
    wake_here_.widen();
    if (decision() == Decision::Granted) {
      computes_.emplace();
      caller_came();
    }
    return decision();
  }

  const CallOptions& options_;
  const int generation_ = fork_generation();  // in a forked child nobody would decide
  const int thread_ = thread_number();
  WakeHere wake_here_;
  std::optional<CallScope> computes_;  // from its permit on
  std::atomic<uint32_t> told_{0};
};

// Makes a plan on a call thread, so that whoever wants it may stop waiting. What it makes stays with the program.
class PlanTask final : public RefCounted, public Task {
 public:
  PlanTask(RefPtr<Version> version, const std::vector<const Value*>& inputs) : version_(std::move(version)), inputs_(inputs.size()) {
    for (size_t i = 0; i < inputs.size(); ++i) {
      refs_.push_back(inputs[i] ? &inputs_[i] : nullptr);
      if (!inputs[i]) continue;
      inputs_[i].kind = inputs[i]->kind;
      inputs_[i].tensor.dtype = inputs[i]->tensor.dtype;
      inputs_[i].tensor.shape = inputs[i]->tensor.shape;
    }
  }

  void run() override {
    try {
      Result<RefPtr<PlanEntry>> entry = version_->model().program().entry_for(refs_);
      if (!entry.ok()) status = std::move(entry).status();
    } catch (const std::bad_alloc&) {
      status = error(Code::MemoryLimitExceeded, "the system refuses memory while planning");
    }
    version_ = nullptr;
    done.store(1, std::memory_order_release);
    futex_wake(done, 1);
    unref();
  }

  std::atomic<uint32_t> done{0};
  Status status;  // written before done is set

 private:
  RefPtr<Version> version_;
  std::vector<Value> inputs_;
  std::vector<const Value*> refs_;
};

Outcome outcome_of(const Status& status, bool computing) {
  switch (status.code()) {
    case Code::Ok: return Outcome::ok;
    case Code::InvalidInput: return Outcome::invalid;
    case Code::Overloaded: return Outcome::overloaded;
    case Code::DeadlineExceeded: return computing ? Outcome::deadline_compute : Outcome::deadline_queue;
    case Code::Cancelled: return Outcome::cancelled;
    case Code::Draining: return Outcome::draining;
    case Code::NotReady: return Outcome::not_ready;
    case Code::MemoryLimitExceeded: return Outcome::memory;
    default: return Outcome::error;
  }
}

}  // namespace

Call::Call(Service& service, bool counted)
    : service_(service), counts_(service.metrics().current()), began_ns_(now_ns()), ended_(!counted) {
  if (counted) counts_.start();
}

Call::~Call() {
  leave();
  unpin();
  if (!ended_) count(Outcome::error);
}

Status Call::pin() {
  pin_ = service_.slot().pin();
  if (pin_.value) {
    report_.version = pin_.value->number();
    report_.signature = pin_.value->signature();
    return {};
  }
  unpin();
  Status status = service_.accepts();
  return status.ok() ? Status(Code::NotReady, "the model is closed") : std::move(status);
}

void Call::unpin() {
  if (pin_.place < 0) return;
  if (began_here()) service_.slot().unpin(pin_);
  pin_ = {};
}

Status Call::open() {
  Status status = service_.accepts();
  if (status.ok()) status = pin();
  if (!status.ok()) return finish(std::move(status));
  const Model& model = pin_.value->model();
  inputs_.resize(model.inputs().size());
  refs_.assign(model.inputs().size(), nullptr);
  outputs_.resize(model.outputs().size());
  return {};
}

int64_t Call::deadline(double seconds) const {
  const ServiceOptions& o = service_.options();
  int64_t timeout = seconds < 0 ? o.timeout_ns : seconds > 9e8 ? kNever : int64_t(seconds * 1e9);
  timeout = std::min(timeout, o.max_timeout_ns);
  return timeout == kNever ? kNever : began_ns_ + timeout;
}

void Call::set_tensor(int i, DType dtype, int rank, const int64_t* dims, void* data) {
  Value& v = inputs_[size_t(i)];
  v.kind = ValueKind::Tensor;
  v.tensor.dtype = dtype;
  v.tensor.shape = Shape();
  for (int d = 0; d < rank; ++d) v.tensor.shape.push_back(dims[d]);
  v.tensor.data = data;
  refs_[size_t(i)] = &v;
}

void Call::set_value(int i, Value value) {
  inputs_[size_t(i)] = std::move(value);
  refs_[size_t(i)] = &inputs_[size_t(i)];
}

bool Call::enter_at_once(const CallOptions& options) {
  options_ = options;
  entry_ = pin_.value->model().program().find(refs_);
  if (!entry_ || !service_.admission().try_enter()) return false;
  permit_ = true;
  granted_ns_ = began_ns_;
  return true;
}

bool Call::enter_if_short(const CallOptions& options, int64_t limit_ns) {
  int64_t expected = expected_ns();
  if (expected <= 0 || expected > limit_ns || entry_->loops() || !enter_at_once(options)) return false;
  if (ended_) counts_.start();
  ended_ = false;
  return true;
}

Status Call::run(StepTimes* times) {
  Service::InCall here(service_);
  CallScope computes;
  counts_.measure(Measure::queue, 0);
  return finish(compute(times));
}

int64_t Call::expected_ns() {
  if (!entry_ && pin_.value) entry_ = pin_.value->model().program().find(refs_);
  if (!entry_) return 0;
  mean_ns_ = entry_->time().mean();
  return entry_->time().expected();
}

Status Call::wait_and_run(const CallOptions& options, StepTimes* times) {
  options_ = options;
  SyncWaiter waiter(options_, expected_ns());
  entry_ = nullptr;
  unpin();
  Service::InCall here(service_, &waiter);
  Decision decision = service_.admission().enter(waiter);
  if (decision == Decision::Waiting) decision = waiter.wait(service_.admission());
  if (decision != Decision::Granted) return refused(decision);
  return run_granted(times);
}

Status Call::refused(Decision decision) {
  int64_t now = now_ns(), waited = now - began_ns_;
  report_.queued_ns = waited;
  Admission& admission = service_.admission();
  switch (decision) {
    case Decision::Full:
      return finish(error(Code::Overloaded, "the queue is full: %d calls compute and %d wait", admission.running(), admission.queued()));
    case Decision::Late:
      return finish(error(Code::Overloaded, "the call cannot finish in time: %.3f ms are left, %d calls compute and %d wait",
                          ms(std::max<int64_t>(0, options_.deadline_ns - now)), admission.running(), admission.queued()));
    case Decision::Expired: return finish(error(Code::DeadlineExceeded, "the deadline passed after %.3f ms in the queue", ms(waited)));
    case Decision::Withdrawn: return finish(Status(Code::Cancelled, "the call was cancelled in the queue"));
    default: break;
  }
  Status status = service_.accepts();
  return finish(status.ok() ? Status(Code::Draining, "the model takes no new calls") : std::move(status));
}

Status Call::run_granted(StepTimes* times) {
  CallScope computes;
  permit_ = true;
  granted_ns_ = now_ns();
  report_.queued_ns = granted_ns_ - began_ns_;
  counts_.measure(Measure::queue, report_.queued_ns);
  if (granted_ns_ >= options_.deadline_ns) {
    leave();
    return refused(Decision::Expired);
  }
  Status status = pin_again();
  if (status.ok()) status = as_call_error(make_plan());
  if (status.ok()) status = compute(times);
  return finish(std::move(status));
}

Status Call::pin_again() {
  int checked = report_.signature;
  ENGINE_TRY(pin());
  if (report_.signature != checked)
    return Status(Code::InvalidInput, "the model's inputs or outputs changed while the call waited; it was checked against those before");
  return {};
}

Status Call::make_plan() {
  if (entry_) return {};
  Program& program = pin_.value->model().program();
  if ((entry_ = program.find(refs_))) return {};
  fresh_plan_ = true;
  try {
    if (options_.deadline_ns != kNever || options_.token || options_.interrupt) ENGINE_TRY(make_plan_elsewhere());
    ENGINE_ASSIGN(entry_, program.entry_for(refs_));
    return {};
  } catch (const std::bad_alloc&) {
    return error(Code::MemoryLimitExceeded, "the system refuses memory while planning");
  }
}

Status Call::make_plan_elsewhere() {
  RefPtr<PlanTask> task = make_ref<PlanTask>(RefPtr<Version>(pin_.value), refs_);
  task->ref();
  if (!CallThreads::instance().post_at_once(*task)) {
    task->unref();
    return {};
  }
  RunControl control(options_.deadline_ns, options_.token, &service_.abort(), options_.interrupt);
  while (task->done.load(std::memory_order_acquire) == 0) {
    if (!control.check()) return control.status().with_context("while the plan for these shapes was made");
    futex_wait_until(task->done, 0, std::min(options_.deadline_ns, now_ns() + kLookEveryNs));
  }
  return std::move(task->status);
}

Status Call::compute(StepTimes* times) {
  try {
    RunControl control(options_.deadline_ns, options_.token, &service_.abort(), options_.interrupt, granted_ns_);
    Model& model = pin_.value->model();
    RunContext context(control, model.threads());
    Status status = model.program().run_entry(*entry_, context, refs_, outputs_, times);
    stopped_ns_ = control.stopped_ns();
    return as_call_error(std::move(status));
  } catch (const std::bad_alloc&) {
    return error(Code::MemoryLimitExceeded, "the system refuses memory while running");
  }
}

Status Call::finish(Status status) {
  if (ended_) return status;
  ended_ = true;
  bool computing = permit_;
  leave();
  int64_t now = now_ns();
  if (computing) report_.computed_ns = now - granted_ns_;
  if (status.ok()) {
    counts_.measure(Measure::compute, report_.computed_ns);
    counts_.measure(Measure::total, now - began_ns_);
    if (!fresh_plan_) entry_->time().record(report_.computed_ns);
  } else if (status.code() == Code::DeadlineExceeded) {
    counts_.measure(Measure::lag, now - options_.deadline_ns);
    if (computing && entry_ && !fresh_plan_) entry_->time().record_at_least(report_.computed_ns);
  } else if (status.code() == Code::Cancelled) {
    if (int64_t since = cancelled_ns(); since != kNever) counts_.measure(Measure::cancel_lag, now - std::max(since, began_ns_));
  }
  if (stopped_ns_ != 0) counts_.measure(Measure::stop, now - stopped_ns_);
  if (computing && (status.code() == Code::DeadlineExceeded || status.code() == Code::Cancelled)) {
    name_node(status.message());
    status = error(status.code(), "%s (%.3f ms waiting, %.3f ms computing)", status.message().c_str(), ms(report_.queued_ns), ms(report_.computed_ns));
  }
  if (status.code() == Code::Overloaded)
    report_.retry_after_ns = (service_.admission().queued() + 1) * mean_ns_ / service_.admission().permits();
  count(outcome_of(status, computing));
  return status;
}

// kNever when its Interrupt stopped it.
int64_t Call::cancelled_ns() const {
  return std::min(options_.token ? options_.token->since_ns() : kNever, service_.abort().since_ns());
}

void Call::name_node(std::string_view message) {
  try {
    report_.node = message.substr(0, message.rfind(": "));
  } catch (const std::bad_alloc&) {
  }
}

void Call::refuse(Outcome outcome) {
  if (ended_) return;
  ended_ = true;
  leave();
  count(outcome);
}

void Call::count(Outcome outcome) {
  if (began_here()) counts_.end(outcome);
}

Status Call::plan() { return as_call_error(make_plan()); }

void Call::leave() {
  if (!permit_) return;
  permit_ = false;
  if (!began_here()) return;
  CallThreads::HandOver hand_over(hands_over_);
  service_.admission().leave();
}

}  // namespace engine
