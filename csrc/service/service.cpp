#include "service/service.h"

#include <algorithm>
#include <iterator>
#include <new>

#include "sched/cpus.h"

namespace engine {
namespace {

bool same_type(const TypeInfo& a, const TypeInfo& b) { return a.text() == b.text(); }

bool same_ports(const std::vector<Port>& a, const std::vector<Port>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Port& p, const Port& q) { return p.name == q.name && same_type(p.type, q.type); });
}

std::string ports_text(const std::vector<Port>& ports) {
  std::string out;
  for (const Port& port : ports) out += (out.empty() ? "" : ", ") + port.name + ": " + port.type.text();
  return out.empty() ? "none" : out;
}

Status signature_differs(const char* what, const std::vector<Port>& now, const std::vector<Port>& next) {
  return error(Code::InvalidModel, "the new version's %s are %s; the current version's are %s (allow_signature_change=True accepts that)",
               what, ports_text(next).c_str(), ports_text(now).c_str());
}

}  // namespace

const char* state_name(State state) {
  constexpr const char* kNames[] = {"LOADING", "READY", "DRAINING", "CLOSED", "FAILED"};
  return kNames[size_t(state)];
}

// All services of the process, for the child of a fork. Never destroyed.
struct Services {
  ForkMutex mutex;
  Service* first = nullptr;

  static Services& instance() {
    static Services* const services = [] {
      on_fork_child([] {
        for (Service* service = instance().first; service; service = service->after_) service->reset_after_fork();
      });
      return new Services;
    }();
    return *services;
  }
  void add(Service& service) {
    std::lock_guard<ForkMutex> lock(mutex);
    service.after_ = first;
    if (first) first->before_ = &service;
    first = &service;
  }
  void remove(Service& service) {
    std::lock_guard<ForkMutex> lock(mutex);
    (service.before_ ? service.before_->after_ : first) = service.after_;
    if (service.after_) service.after_->before_ = service.before_;
  }
};

// One change of versions or state at a time; others wait, and no lock is held meanwhile that fork() would have to wait for.
class Service::Busy {
 public:
  explicit Busy(Service& service) : word_(service.busy_) {
    while (word_.exchange(1, std::memory_order_acquire) != 0) futex_wait(word_, 1);
  }
  ~Busy() {
    word_.store(0, std::memory_order_release);
    futex_wake(word_, 1);
  }

 private:
  std::atomic<uint32_t>& word_;
};

Service::Service(const ServiceOptions& options)
    : options_(options),
      admission_(options.max_concurrency > 0 ? options.max_concurrency : available_cpus(), options.max_queue, options.refuse_late),
      account_(make_ref<MemoryAccount>(options.memory_limit)),
      abort_(make_ref<TimedCancelToken>()) {
  kept_.reserve(kMostKept);
  left_.reserve(kMostKept);
  Services::instance().add(*this);
}

Service::~Service() { Services::instance().remove(*this); }

void Service::reset_after_fork() {
  admission_.reset_after_fork();
  metrics_.reset_after_fork();
  slot_.reset_after_fork();
  busy_.store(0);
  if (state() == State::Ready) metrics_.current().count(Counter::loads_ok);
  if (state() != State::Loading) return;
  reason_ = "the process forked while the model was being loaded";
  state_.store(uint32_t(State::Failed));
}

std::string Service::reason() const {
  std::lock_guard<ForkMutex> lock(mutex_);
  return reason_;
}

void Service::set_state(State state) {
  state_.store(uint32_t(state), std::memory_order_release);
  futex_wake(state_, 1 << 30);
}

Status Service::accepts() const {
  switch (state()) {
    case State::Ready: return {};
    case State::Draining: return Status(Code::Draining, "the model takes no new calls: it is being drained");
    case State::Loading: return Status(Code::NotReady, "the model is still being loaded");
    case State::Closed: return Status(Code::NotReady, "the model is closed");
    case State::Failed: break;
  }
  std::lock_guard<ForkMutex> lock(mutex_);
  return error(Code::NotReady, "the model could not be loaded: %s", reason_.c_str());
}

State Service::wait_loaded(int64_t until_ns) const {
  auto& word = const_cast<std::atomic<uint32_t>&>(state_);
  while (state() == State::Loading && now_ns() < until_ns) futex_wait_until(word, uint32_t(State::Loading), until_ns);
  return state();
}

void Service::fail(const std::string& reason) {
  Busy busy(*this);
  if (state() != State::Loading) return;
  {
    std::lock_guard<ForkMutex> lock(mutex_);
    try {
      reason_ = reason;
    } catch (const std::bad_alloc&) {
      reason_ = "out of memory";
    }
  }
  set_state(State::Failed);
}

void Service::make_current(const RefPtr<Version>& next) {
  int place = slot_.publish(next);
  std::lock_guard<ForkMutex> lock(mutex_);
  if (current_ && next) kept_.push_back({current_, place});
  current_ = next;
}

// Moves all but the latest `keep` to those to be released; their number.
int Service::trim(size_t keep) {
  std::lock_guard<ForkMutex> lock(mutex_);
  const size_t gone = kept_.size() > keep ? kept_.size() - keep : 0;
  std::move(kept_.begin(), kept_.begin() + long(gone), std::back_inserter(left_));
  kept_.erase(kept_.begin(), kept_.begin() + long(gone));
  return int(gone);
}

// From within a call, by a signal handler, waiting for that call would never end: a later change releases them, or the end.
void Service::release_left() {
  if (calls_of_this_thread() > 0) return;
  for (Kept& old : left_) {
    slot_.release(old.place);
    old.version = nullptr;
  }
  left_.clear();
}

Result<int> Service::publish(RefPtr<Model> model, bool allow_signature_change, int number) {
  Busy busy(*this);
  Result<int> given = replace(std::move(model), allow_signature_change, number);
  metrics_.current().count(given.ok() ? Counter::loads_ok : Counter::loads_failed);
  return given;
}

// Without memory for counters of its own it is counted with the version before.
void Service::count_for(int version) {
  try {
    metrics_.count_for(version, place_ ? place_->block_of(version) : nullptr);
  } catch (const std::bad_alloc&) {
  }
}

// REQUIRES: busy.
Result<int> Service::replace(RefPtr<Model> model, bool allow_signature_change, int number) try {
  if (state() != State::Loading) ENGINE_TRY(accepts());
  RefPtr<Version> before;
  int signature;
  {
    std::lock_guard<ForkMutex> lock(mutex_);
    before = current_;
    if (number == 0) number = last_number_ + 1;
    signature = before ? before->signature() : 0;
  }
  if (before) {
    const Model& now = before->model();
    bool inputs = same_ports(now.inputs(), model->inputs()), outputs = same_ports(now.outputs(), model->outputs());
    if (!inputs && !allow_signature_change) return signature_differs("inputs", now.inputs(), model->inputs());
    if (!outputs && !allow_signature_change) return signature_differs("outputs", now.outputs(), model->outputs());
    if (!inputs || !outputs) signature = ++last_signature_;
  }
  make_current(make_ref<Version>(std::move(model), number, signature));
  count_for(number);
  last_number_ = std::max(last_number_, number);
  uint32_t loading = uint32_t(State::Loading);
  if (state_.compare_exchange_strong(loading, uint32_t(State::Ready))) futex_wake(state_, 1 << 30);
  before = nullptr;
  trim(size_t(options_.keep_versions));
  release_left();
  return number;
} catch (const std::bad_alloc&) {
  return error(Code::MemoryLimitExceeded, "the system refuses memory while a version is put into service");
}

Result<int> Service::rollback() {
  Busy busy(*this);
  ENGINE_TRY(accepts());
  Kept before;
  {
    std::lock_guard<ForkMutex> lock(mutex_);
    if (kept_.empty()) return error(Code::NotReady, "no earlier version is kept (keep_versions is %d)", options_.keep_versions);
    before = std::move(kept_.back());
    kept_.pop_back();
  }
  Kept gone{nullptr, slot_.publish(before.version)};
  {
    std::lock_guard<ForkMutex> lock(mutex_);
    gone.version = std::exchange(current_, before.version);
  }
  int number = before.version->number();
  count_for(number);
  metrics_.current().count(Counter::rollbacks);
  left_.push_back(std::move(before));
  left_.push_back(std::move(gone));
  release_left();
  return number;
}

int Service::forget_versions() {
  Busy busy(*this);
  int count = trim(0);
  release_left();
  return count;
}

std::vector<int> Service::kept_versions() const {
  std::vector<int> out;
  std::lock_guard<ForkMutex> lock(mutex_);
  for (const Kept& kept : kept_) out.push_back(kept.version->number());
  return out;
}

namespace {
thread_local Service::InCall* t_innermost_call = nullptr;
}

Service::InCall::InCall(Service& service, const Waiter* waiter)
    : service_(service), waiter_(waiter), outer_(std::exchange(t_innermost_call, this)) {}
Service::InCall::~InCall() { t_innermost_call = outer_; }

// Whether that service's admission counts it.
bool Service::InCall::counts_at(const Service& service) const {
  if (&service_ != &service) return false;
  return !waiter_ || waiter_->decision() == Decision::Waiting || waiter_->decision() == Decision::Granted;
}

bool Service::thread_in_call() { return t_innermost_call != nullptr; }

int Service::calls_of_this_thread() const {
  int count = 0;
  for (const InCall* call = t_innermost_call; call; call = call->outer_) count += call->counts_at(*this);
  return count;
}

int Service::begin_drain() {
  for (State from : {State::Loading, State::Ready}) {
    uint32_t was = uint32_t(from);
    if (state_.compare_exchange_strong(was, uint32_t(State::Draining))) futex_wake(state_, 1 << 30);
  }
  admission_.close();
  return admission_.running() + admission_.queued() - calls_of_this_thread();
}

bool Service::wait_drained(int64_t until_ns) { return admission_.wait_idle(until_ns, calls_of_this_thread()); }

int Service::abort_calls() {
  int left = admission_.running() + admission_.queued() - calls_of_this_thread();
  abort_->cancel();
  admission_.send_away();
  return left;
}

void Service::close() {
  {
    Busy busy(*this);
    if (state() == State::Closed) return;
    set_state(State::Closed);
  }
  begin_drain();
  abort_calls();
  wait_drained(kNever);
  Busy busy(*this);
  trim(0);
  int place = slot_.publish(nullptr);
  {
    std::lock_guard<ForkMutex> lock(mutex_);
    if (current_) left_.push_back({std::move(current_), place});
  }
  release_left();
}

}  // namespace engine
