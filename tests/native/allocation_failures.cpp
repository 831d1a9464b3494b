// Lets the first allocation of an operation fail, then the second, and so on until the operation needs no more; each for once, and
// with all that follow. Exit code 0 when every failure was an error of memory, nothing leaked and the model answered afterwards.
//
//     allocation_failures [STRIDE [FROM]]: tries every STRIDE-th allocation from the FROM-th on
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <new>
#include <thread>

#include "calls.h"
#include "tiny_models.h"

namespace {

std::atomic<int64_t> g_until_failure{0};  // allocations until one fails; 0: none does
std::atomic<bool> g_goes_on{false};       // those after it fail too
std::atomic<int64_t> g_blocks{0};

bool must_fail() {
  int64_t left = g_until_failure.load(std::memory_order_relaxed);
  if (left <= 0) return false;
  if (left == 1 && g_goes_on.load(std::memory_order_relaxed)) return true;
  return g_until_failure.fetch_sub(1, std::memory_order_relaxed) == 1;
}

void* allocate(size_t bytes, size_t alignment) {
  if (must_fail()) return nullptr;
  void* memory = std::aligned_alloc(alignment, (bytes + alignment) / alignment * alignment);
  if (memory) g_blocks.fetch_add(1, std::memory_order_relaxed);
  return memory;
}

void* allocate_or_throw(size_t bytes, size_t alignment) {
  void* memory = allocate(bytes, alignment);
  if (!memory) throw std::bad_alloc();
  return memory;
}

void release(void* memory) {
  if (memory) g_blocks.fetch_sub(1, std::memory_order_relaxed);
  std::free(memory);
}

constexpr size_t kPlain = alignof(std::max_align_t);

}  // namespace

void* operator new(size_t n) { return allocate_or_throw(n, kPlain); }
void* operator new[](size_t n) { return allocate_or_throw(n, kPlain); }
void* operator new(size_t n, std::align_val_t a) { return allocate_or_throw(n, size_t(a)); }
void* operator new[](size_t n, std::align_val_t a) { return allocate_or_throw(n, size_t(a)); }
void* operator new(size_t n, const std::nothrow_t&) noexcept { return allocate(n, kPlain); }
void* operator new[](size_t n, const std::nothrow_t&) noexcept { return allocate(n, kPlain); }
void* operator new(size_t n, std::align_val_t a, const std::nothrow_t&) noexcept { return allocate(n, size_t(a)); }
void operator delete(void* p) noexcept { release(p); }
void operator delete[](void* p) noexcept { release(p); }
void operator delete(void* p, size_t) noexcept { release(p); }
void operator delete[](void* p, size_t) noexcept { release(p); }
void operator delete(void* p, std::align_val_t) noexcept { release(p); }
void operator delete[](void* p, std::align_val_t) noexcept { release(p); }
void operator delete(void* p, size_t, std::align_val_t) noexcept { release(p); }
void operator delete[](void* p, size_t, std::align_val_t) noexcept { release(p); }

namespace {

using namespace engine;

constexpr int kSide = 32;
constexpr int64_t kSecond = 1'000'000'000;
int g_wrong = 0;

void check(bool good, const char* scenario, int64_t n, const char* what) {
  if (good) return;
  if (++g_wrong <= 20) std::printf("wrong: %s, allocation %lld%s: %s\n", scenario, (long long)n, g_goes_on.load() ? " and all after it" : "", what);
}

RefPtr<Service> service_of(const std::string& model) {
  ServiceOptions options;
  options.max_concurrency = 2;
  RefPtr<Service> service = make_ref<Service>(options);
  if (tiny::load(*service, model) != Code::Ok) std::abort();
  return service;
}

// What is tried, on a service of its own that is closed afterwards.
struct Scenario {
  const char* name;
  const std::string& model;
  std::function<void(Service&)> prepare;    // with memory
  std::function<Code(Service&)> operation;  // without
  tiny::Feeds feeds;                        // that the model answers whatever came of it
  float before, after;                      // with this when the operation has failed, and when it has worked; 0: no more
};

// Made by a binding as well: what throws before the core has the call is the caller's exception.
Code run_async(Service& service, const RefPtr<Mailbox>& mailbox, tiny::Feeds& feeds, int64_t deadline) try {
  RefPtr<AsyncCall> call = make_ref<AsyncCall>(RefPtr<Service>(&service), mailbox);
  Status status = call->call().open();
  if (!status.ok()) return status.code();
  feeds.put(call->call());
  CallOptions options;
  options.deadline_ns = deadline;
  call->start(options);
  RefPtr<AsyncCall> taken;
  while (!(taken = mailbox->take())) mailbox->wait(kNever);
  return taken->status().code();
} catch (const std::bad_alloc&) {
  return Code::MemoryLimitExceeded;
}

Code load_and_close(const std::string& model) try {
  RefPtr<Service> service = make_ref<Service>(ServiceOptions());
  Code code = tiny::load(*service, model);
  service->close();
  return code;
} catch (const std::bad_alloc&) {
  return Code::MemoryLimitExceeded;
}

bool answers(Service& service, tiny::Feeds feeds, float value) {
  Code code = feeds.run(service);
  return value == 0 ? code == Code::Draining : code == Code::Ok && feeds.answered() == value;
}

// True when the operation needed fewer than n allocations.
bool attempt(const Scenario& scenario, int64_t n) {
  const int64_t blocks = g_blocks.load();
  Code code;
  {
    RefPtr<Service> service = service_of(scenario.model);
    scenario.prepare(*service);
    const int64_t used = service->account()->used();
    g_until_failure = n;
    code = scenario.operation(*service);
    const bool worked = g_until_failure.exchange(0) > (g_goes_on ? 1 : 0);
    check(code == Code::Ok || code == Code::MemoryLimitExceeded, scenario.name, n, code_name(code));
    check(code == Code::Ok || !worked, scenario.name, n, "an error although all memory was there");
    check(answers(*service, scenario.feeds, code == Code::Ok ? scenario.after : scenario.before), scenario.name, n, "the model answers wrongly, or not at all");
    check(code == Code::Ok || scenario.before == scenario.after || service->account()->used() == used, scenario.name, n, "memory stays charged");
    check(tiny::adds_up(*service), scenario.name, n, "counters or permits");
    service->close();
    check(service->account()->used() == 0, scenario.name, n, "memory stays charged when the model is closed");
    code = worked ? Code::Ok : Code::MemoryLimitExceeded;
  }
  // Call threads let go of what they computed a moment after its end.
  for (int i = 0; i < 2000 && g_blocks.load() > blocks; ++i) std::this_thread::sleep_for(std::chrono::microseconds(500));
  check(g_blocks.load() <= blocks, scenario.name, n, "blocks leak");
  return code == Code::Ok;
}

void run(const Scenario& scenario, int64_t stride, int64_t from) {
  // Starts threads, and makes what lasts as long as the process.
  RefPtr<Service> first = service_of(scenario.model);
  scenario.prepare(*first);
  check(scenario.operation(*first) == Code::Ok, scenario.name, 0, "it does not work");
  first->close();
  first = nullptr;
  for (bool goes_on : {false, true}) {
    g_goes_on = goes_on;
    int64_t n = from;
    while (!attempt(scenario, n) && g_wrong < 100) n += stride;
    std::printf("%s, %s: up to allocation %lld\n", scenario.name, goes_on ? "all after it too" : "one", (long long)n);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int64_t stride = argc > 1 ? std::atoll(argv[1]) : 1, from = argc > 2 ? std::atoll(argv[2]) : 1;
  const std::string one = tiny::constant_model(1, kSide), two = tiny::constant_model(2, kSide), loop = tiny::counting_model();
  RefPtr<Mailbox> mailbox = make_ref<Mailbox>(false);
  tiny::Feeds known = tiny::Feeds::ones(1, kSide), fresh = tiny::Feeds::ones(3, kSide), rounds = tiny::Feeds::counting(3);
  auto nothing = [](Service&) {};
  auto call_once = [&](Service& s) { known.run(s); };
  auto reload = [&](Service& s) { tiny::load(s, two); };
  auto load_another = [&](Service&) { return load_and_close(two); };
  auto roll_back = [](Service& s) { return s.rollback().ok() ? Code::Ok : Code::MemoryLimitExceeded; };
  auto drain = [](Service& s) {
    s.begin_drain();
    s.abort_calls();
    return s.wait_drained(kNever) ? Code::Ok : Code::InternalError;
  };
  const Scenario scenarios[] = {
      {"a call of a new shape", one, nothing, [&](Service& s) { return fresh.run(s); }, known, 1, 1},
      {"a call of a new shape with a deadline", one, nothing, [&](Service& s) { return fresh.run(s, {}, 60.0); }, known, 1, 1},
      {"a call", one, call_once, [&](Service& s) { return known.run(s); }, known, 1, 1},
      {"a call of a loop", loop, nothing, [&](Service& s) { return rounds.run(s); }, rounds, 3, 3},
      {"a posted call", one, call_once, [&](Service& s) { return run_async(s, mailbox, known, kNever); }, known, 1, 1},
      {"a posted call with a deadline", one, nothing, [&](Service& s) { return run_async(s, mailbox, fresh, now_ns() + 60 * kSecond); }, known, 1, 1},
      {"a first load", one, nothing, load_another, known, 1, 1},
      {"a reload", one, call_once, [&](Service& s) { return tiny::load(s, two); }, known, 1, 2},
      {"a reload in the background", one, call_once, [&](Service& s) { return tiny::load(s, two, true); }, known, 1, 2},
      {"a reload of a loop", loop, nothing, [&](Service& s) { return tiny::load(s, loop); }, rounds, 3, 3},
      {"a rollback", one, reload, roll_back, known, 2, 1},
      {"a drain", one, call_once, drain, known, 0, 0},
  };
  for (const Scenario& scenario : scenarios) run(scenario, stride, from);
  std::printf("%d wrong\n", g_wrong);
  return g_wrong ? 1 : 0;
}
