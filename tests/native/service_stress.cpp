// Runs the service hard from many threads: admission, deadlines and timers, cancellation, asynchronous calls, versions that change,
// and drains in the middle of it. What a version holds is plain memory that reloading frees, so that the thread sanitizer sees a call
// that outlives its version. Exit code 0 when every counter adds up.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include "sched/futex.h"
#include "service/admission.h"
#include "service/metrics.h"
#include "service/model_slot.h"
#include "sched/call_threads.h"
#include "sched/cancel_token.h"
#include "sched/timer.h"

namespace {

using namespace engine;

struct Weights : RefCounted {
  explicit Weights(int v) : cells(64, v) {}
  std::vector<int> cells;
  bool whole() const {
    for (int cell : cells)
      if (cell != cells[0]) return false;
    return true;
  }
};

// A service in small: what Call and AsyncCall do with its parts.
struct Shop {
  Shop(int permits, int queue) : admission(permits, queue, true) {}
  Admission admission;
  ModelSlot<Weights> slot;
  Metrics metrics;
  std::atomic<int> torn{0}, computing{0}, most{0};

  bool compute() {
    int now = computing.fetch_add(1) + 1;
    for (int seen = most.load(); now > seen && !most.compare_exchange_weak(seen, now);) {
    }
    auto pin = slot.pin();
    bool good = pin.value && pin.value->whole();
    slot.unpin(pin);
    torn += !good;
    computing.fetch_sub(1);
    return good;
  }
};

Outcome outcome_of(Decision decision) {
  switch (decision) {
    case Decision::Granted: return Outcome::ok;
    case Decision::Full:
    case Decision::Late: return Outcome::overloaded;
    case Decision::Expired: return Outcome::deadline_queue;
    case Decision::Closed: return Outcome::draining;
    default: return Outcome::cancelled;
  }
}

// Waits on its own thread; cancelled by a token, expired by a timer or by itself.
class Waiting final : public Waiter, public CancelListener, public Timer {
 public:
  Waiting(Shop& shop, CancelToken& token) : shop_(shop), token_(token) {}

  Decision wait(int64_t deadline) {
    deadline_ns = deadline;
    bool listens = token_.listen(*this);
    bool armed = deadline != kNever && arm(deadline);
    Decision decision = shop_.admission.enter(*this);
    if (decision == Decision::Waiting) {
      if (!listens) on_cancel();
      if (deadline <= now_ns()) on_time();
      for (uint32_t told; (told = told_.load()) == 0;) futex_wait(told_, told);
      decision = this->decision();
    }
    if (armed) disarm();
    if (listens) token_.unlisten(*this);
    return decision;
  }

  void on_cancel() override { leave_queue(Decision::Withdrawn); }
  void on_time() override { leave_queue(Decision::Expired); }

 private:
  void on_decision() override { tell(); }
  void leave_queue(Decision why) {
    if (shop_.admission.withdraw(*this, why)) tell();
  }
  void tell() {
    std::atomic<uint32_t>& word = told_;
    word.store(1);
    futex_wake(word, 1);
  }

  Shop& shop_;
  CancelToken& token_;
  std::atomic<uint32_t> told_{0};
};

// Waits on no thread.
class Posted final : public RefCounted, public Waiter, public Task {
 public:
  Posted(Shop& shop, std::atomic<uint32_t>& left) : shop_(shop), left_(left) {}

  void start() {
    ref();
    shop_.metrics.current().start();
    Decision decision = shop_.admission.enter(*this);
    if (decision == Decision::Granted) post();
    else if (decision != Decision::Waiting) finish(decision);
  }
  void run() override {
    shop_.compute();
    shop_.admission.leave();
    finish(Decision::Granted);
  }

 private:
  void on_decision() override {
    if (decision() == Decision::Granted) post();
    else finish(decision());
  }
  void post() {
    if (!CallThreads::instance().post(*this)) std::abort();
  }
  void finish(Decision decision) {
    shop_.metrics.current().end(outcome_of(decision));
    std::atomic<uint32_t>& left = left_;
    unref();
    left.fetch_sub(1);
    futex_wake(left, 1);
  }

  Shop& shop_;
  std::atomic<uint32_t>& left_;
};

void waiting_call(Shop& shop, unsigned seed) {
  shop.metrics.current().start();
  if (seed % 3 == 0 && shop.admission.try_enter()) {
    shop.compute();
    shop.admission.leave();
    return shop.metrics.current().end(Outcome::ok);
  }
  RefPtr<CancelToken> token = make_ref<CancelToken>();
  std::thread canceller;
  if (seed % 5 == 0) canceller = std::thread([token] { token->cancel(); });
  Waiting waiter(shop, *token);
  waiter.high_priority = seed % 4 == 0;
  waiter.expected_ns = seed % 2 ? 1000 : 0;
  Decision decision = waiter.wait(seed % 7 < 3 ? now_ns() + int64_t(seed % 50) * 1000 : kNever);
  if (decision == Decision::Granted) {
    shop.compute();
    shop.admission.leave();
  }
  shop.metrics.current().end(outcome_of(decision));
  if (canceller.joinable()) canceller.join();
}

void posted_calls(Shop& shop, int count) {
  std::atomic<uint32_t> left{uint32_t(count)};
  for (int i = 0; i < count; ++i) make_ref<Posted>(shop, left)->start();
  for (uint32_t now; (now = left.load()) != 0;) futex_wait(left, now);
}

void change_versions(Shop& shop, std::atomic<bool>& stop) {
  for (int version = 1; !stop.load(); ++version) {
    shop.slot.release(shop.slot.publish(make_ref<Weights>(version)));
    if (version % 16 == 0) {
      MetricsSnapshot seen = shop.metrics.snapshot();
      uint64_t sum = seen.in_flight;
      for (uint64_t count : seen.outcomes) sum += count;
      if (sum != seen.started || seen.in_flight > 4096) std::abort();
    }
    if (version % 64 == 0) {
      shop.admission.close();
      shop.admission.send_away();
      shop.admission.wait_idle(kNever);
      shop.admission.open();
    }
    std::this_thread::yield();
  }
}

int count_wrong(int permits, int queue, int callers, int rounds) {
  Shop shop(permits, queue);
  shop.slot.release(shop.slot.publish(make_ref<Weights>(0)));
  std::atomic<bool> stop{false};
  std::thread changer([&] { change_versions(shop, stop); });
  std::vector<std::thread> threads;
  for (int c = 0; c < callers; ++c)
    threads.emplace_back([&, c] {
      for (int r = 0; r < rounds; ++r) r % 8 == 7 ? posted_calls(shop, 5) : waiting_call(shop, unsigned(r * callers + c));
    });
  for (std::thread& thread : threads) thread.join();
  stop = true;
  changer.join();
  shop.slot.release(shop.slot.publish(nullptr));
  MetricsSnapshot end = shop.metrics.snapshot();
  return shop.torn + int(end.in_flight) + shop.admission.running() + shop.admission.queued() + (shop.most > permits);
}

}  // namespace

int main(int argc, char** argv) {
  int rounds = argc > 1 ? std::atoi(argv[1]) : 600;
  int wrong = 0;
  for (int permits : {1, 2, 5})
    for (int queue : {0, 3, 100})
      for (int callers : {2, 9}) wrong += count_wrong(permits, queue, callers, rounds / callers);
  std::printf("%d wrong, %d call threads\n", wrong, CallThreads::instance().threads());
  return wrong ? 1 : 0;
}
