// A model in service: the version that is current, who may compute, what happened, and its life from loading to closing.
#pragma once

#include <string>
#include <vector>

#include "service/admission.h"
#include "service/metrics.h"
#include "service/model.h"
#include "service/model_slot.h"
#include "service/timed_cancel_token.h"

namespace engine {

struct ServiceOptions {
  int max_concurrency = 0;          // calls computing at once; 0: available_cpus()
  int max_queue = 64;               // calls waiting beyond that
  int64_t timeout_ns = kNever;      // of a call that says none
  int64_t max_timeout_ns = kNever;  // no call gets more
  bool refuse_late = true;          // calls that cannot finish in time are refused rather than computed in vain
  int keep_versions = 1;            // earlier versions kept in memory, for rollback
  int64_t memory_limit = 0;         // bytes for all versions, their arenas and run-time tensors; 0: none
};

// Loading -> Ready | Failed; Loading, Ready -> Draining; any -> Closed. A child forked while it is Loading finds it Failed.
enum class State : uint32_t { Loading, Ready, Draining, Closed, Failed };
const char* state_name(State state);

// A model under the number that it has in its service.
class Version : public RefCounted {
 public:
  Version(RefPtr<Model> model, int number, int signature) : model_(std::move(model)), number_(number), signature_(signature) {}
  Model& model() const { return *model_; }
  int number() const { return number_; }        // from 1 on
  int signature() const { return signature_; }  // equal for versions with the same inputs and outputs

 private:
  RefPtr<Model> model_;
  int number_, signature_;
};

// Thread-safe; publish, rollback and close wait for each other.
class Service : public RefCounted {
 public:
  explicit Service(const ServiceOptions& options);

  const ServiceOptions& options() const { return options_; }
  Admission& admission() { return admission_; }
  Metrics& metrics() { return metrics_; }
  // Asked for each version that becomes current. Null: none. It must outlive the service or be taken back.
  void set_metrics_place(MetricsPlace* place) { place_ = place; }
  ModelSlot<Version>& slot() { return slot_; }
  // Charged by all versions.
  const RefPtr<MemoryAccount>& account() const { return account_; }
  // Cancelled when what is in flight must stop.
  TimedCancelToken& abort() { return *abort_; }

  State state() const { return State(state_.load(std::memory_order_acquire)); }
  // Why it has failed; "" otherwise.
  std::string reason() const;
  // Null when calls are taken, else NotReady or Draining.
  Status accepts() const;
  // Blocks while it is Loading, at most until `until_ns`. Returns the state then.
  State wait_loaded(int64_t until_ns) const;
  // Loading -> Failed.
  void fail(const std::string& reason);

  // Makes `model` current: calls that start afterwards run on it; those under way end on the version they began with. The
  // version that is no longer kept is freed before this returns, once its last call has ended. Returns the version's number:
  // `number`, or one more than the highest so far when that is 0.
  // InvalidModel when inputs or outputs differ from the current version's, unless that is allowed; NotReady, Draining when no
  // calls are taken any more.
  Result<int> publish(RefPtr<Model> model, bool allow_signature_change, int number = 0);
  // Makes the version before the current one current again. NotReady when none is kept.
  Result<int> rollback();
  // Frees the versions kept for rollback; their number.
  int forget_versions();
  std::vector<int> kept_versions() const;

  // Draining, in three steps. Calls that this very thread is in, waiting or computing (it may be in one, when a signal handler
  // drains), do not count.
  // Ready -> Draining: no new calls. Returns how many are in flight or queued.
  int begin_drain();
  // Blocks until those have ended, at most until `until_ns`. True when they have.
  bool wait_drained(int64_t until_ns);
  // Stops what is left; returns how many that is. wait_drained(kNever) then returns soon.
  int abort_calls();
  // All three at once, then frees all versions.
  void close();

  // Whether this thread is in a call of any service.
  static bool thread_in_call();

  // While one lives, the thread that made it is in a call of `service`: it waits for its turn or computes.
  class InCall {
   public:
    // waiter: null, or by what it waits for its turn; it must outlive this.
    explicit InCall(Service& service, const Waiter* waiter = nullptr);
    ~InCall();
    InCall(const InCall&) = delete;
    InCall& operator=(const InCall&) = delete;

   private:
    friend class Service;
    bool counts_at(const Service& service) const;
    Service& service_;
    const Waiter* waiter_;
    InCall* outer_;
  };

 protected:
  ~Service() override;

 private:
  struct Kept {
    RefPtr<Version> version;
    int place;  // in the slot
  };
  static constexpr size_t kMostKept = 64;  // versions that are still pinned, or kept: more have no place in the slot
  friend struct Services;
  class Busy;

  void set_state(State state);
  int calls_of_this_thread() const;
  Result<int> replace(RefPtr<Model> model, bool allow_signature_change, int number);
  int trim(size_t keep);
  void make_current(const RefPtr<Version>& next);
  void release_left();
  void count_for(int version);
  void reset_after_fork();

  const ServiceOptions options_;
  Admission admission_;
  Metrics metrics_;
  MetricsPlace* place_ = nullptr;
  ModelSlot<Version> slot_;
  RefPtr<MemoryAccount> account_;
  RefPtr<TimedCancelToken> abort_;
  std::atomic<uint32_t> state_{uint32_t(State::Loading)};
  std::atomic<uint32_t> busy_{0};  // 1 while versions or the state are being changed
  mutable ForkMutex mutex_;        // guards what follows
  std::string reason_;
  RefPtr<Version> current_;
  std::vector<Kept> kept_;  // the latest last
  std::vector<Kept> left_;  // to be released; of whoever is busy. Both have room for all, so that a change needs no memory
  int last_number_ = 0, last_signature_ = 0;
  Service* before_ = nullptr;  // of all services
  Service* after_ = nullptr;
};

}  // namespace engine
