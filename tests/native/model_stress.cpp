// Real models in service under load of every kind: calls that wait and calls that no thread waits for, of both priorities, deadlines
// and cancellation, plans that are still being made when their call is late, versions that change, roll back, are refused and are
// counted in shared memory or in their own, and drains in the middle of it. Weights are plain memory that reloading frees, so that
// the thread sanitizer sees a call that outlives its version. Exit code 0 when no answer is torn and every counter adds up.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <thread>
#include <vector>

#include "calls.h"
#include "sched/futex.h"
#include "tiny_models.h"

namespace {

using namespace engine;

constexpr int kSide = 32;
constexpr int64_t kMillisecond = 1'000'000;

// Counts every other of the first versions in memory that outlives all services, as processes do that share it.
class SharedCounts final : public MetricsPlace {
 public:
  MetricsBlock* block_of(int version) override {
    if (version % 2 || version / 2 >= kBlocks) return nullptr;
    std::vector<char>& memory = memory_[size_t(version / 2)];
    if (memory.empty()) memory.resize(MetricsBlock::bytes() + 64);
    const uintptr_t at = reinterpret_cast<uintptr_t>(memory.data());
    return MetricsBlock::on(memory.data() + ((at + 63) / 64 * 64 - at));
  }

 private:
  static constexpr int kBlocks = 32;
  std::vector<char> memory_[kBlocks];
};

struct Models {
  SharedCounts counts;
  RefPtr<Service> constant, counting;
  std::vector<std::string> versions;
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};

  explicit Models(int permits) {
    ServiceOptions options;
    options.max_concurrency = permits;
    options.max_queue = 4;
    options.keep_versions = 2;
    constant = make_ref<Service>(options);
    counting = make_ref<Service>(options);
    constant->set_metrics_place(&counts);
    for (int value = 1; value <= 3; ++value) versions.push_back(tiny::constant_model(float(value), kSide));
    check(tiny::load(*constant, versions[0]) == Code::Ok && tiny::load(*counting, tiny::counting_model()) == Code::Ok, "a load");
  }

  void check(bool good, const char* what) {
    if (good) return;
    std::printf("wrong: %s\n", what);
    wrong.fetch_add(1);
  }
  void check_answer(float value) { check(value == 1 || value == 2 || value == 3, "a torn answer"); }
};

bool may_end_so(Code code) {
  return code == Code::Overloaded || code == Code::DeadlineExceeded || code == Code::Cancelled || code == Code::Draining || code == Code::NotReady;
}

void waiting_call(Models& models, std::mt19937& random) {
  CallOptions options;
  options.high_priority = random() % 3 == 0;
  RefPtr<TimedCancelToken> token = make_ref<TimedCancelToken>();
  switch (random() % 5) {
    case 0: {  // stopped by another thread, waiting or computing
      options.token = token.get();
      std::thread canceller([token] { token->cancel(); });
      models.check(may_end_so(tiny::Feeds::counting(tiny::kEndless).run(*models.counting, options)), "a cancelled call");
      canceller.join();
      return;
    }
    case 1:
      models.check(may_end_so(tiny::Feeds::counting(tiny::kEndless).run(*models.counting, options, 0.001)), "a late call");
      return;
    default: break;
  }
  tiny::Feeds feeds = tiny::Feeds::ones(1 + int(random() % 3), kSide);
  Code code = feeds.run(*models.constant, options, random() % 2 ? 5.0 : -1.0);
  if (code == Code::Ok) models.check_answer(feeds.answered());
  else models.check(may_end_so(code), "a call's error");
}

// Starts a few at once, cancels some of them, and takes all out of the mailbox, or out of its heir.
void posted_calls(Models& models, std::mt19937& random) {
  RefPtr<Mailbox> mailbox = make_ref<Mailbox>(random() % 2 == 0), heir = make_ref<Mailbox>(false);
  std::vector<tiny::Feeds> feeds;
  std::vector<RefPtr<AsyncCall>> calls;
  for (int i = 0; i < 5; ++i) feeds.push_back(i % 2 ? tiny::Feeds::counting(tiny::kEndless) : tiny::Feeds::ones(1 + int(random() % 6), kSide));
  for (int i = 0; i < 5; ++i) {
    RefPtr<AsyncCall> call = make_ref<AsyncCall>(i % 2 ? models.counting : models.constant, mailbox);
    if (!call->call().open().ok()) continue;
    feeds[size_t(i)].put(call->call());
    CallOptions options;
    options.high_priority = random() % 3 == 0;
    if (i % 2 || random() % 2) options.deadline_ns = now_ns() + int64_t(random() % 5) * kMillisecond;
    call->start(options);
    calls.push_back(call);
  }
  for (RefPtr<AsyncCall>& call : calls)
    if (random() % 3 == 0) call->cancel();
  if (random() % 2) {
    mailbox->close(heir);
    mailbox = heir;
  }
  for (size_t taken = 0; taken < calls.size(); ++taken) {
    RefPtr<AsyncCall> call;
    while (!(call = mailbox->take())) mailbox->wait(kNever);
    if (!call->status().ok()) models.check(may_end_so(call->status().code()), "a posted call's error");
    else models.check_answer(tiny::Feeds::answer(call->call()));
  }
}

void change_versions(Models& models, unsigned seed) {
  std::mt19937 random(seed);
  while (!models.stop.load()) {
    Code code;
    switch (random() % 5) {
      case 0: {
        Result<int> number = models.constant->rollback();
        code = number.ok() ? Code::Ok : std::move(number).status().code();
        break;
      }
      case 1: models.check(tiny::load(*models.constant, models.versions[0].substr(0, 99)) != Code::Ok, "half a file was taken"); continue;
      case 2: models.constant->forget_versions(); continue;
      default: code = tiny::load(*models.constant, models.versions[random() % 3], random() % 2 == 0);
    }
    models.check(code == Code::Ok || may_end_so(code), "a reload");
    std::this_thread::yield();
  }
}

void check_counters(Models& models, const MetricsSnapshot& seen) {
  uint64_t sum = seen.in_flight;
  for (uint64_t count : seen.outcomes) sum += count;
  models.check(sum == seen.started && seen.in_flight < 1000, "counters");
}

void watch(Models& models) {
  while (!models.stop.load()) {
    const Metrics& metrics = models.constant->metrics();
    check_counters(models, metrics.snapshot());
    for (int version : metrics.versions()) check_counters(models, metrics.snapshot_of(version));
    models.check(models.constant->kept_versions().size() <= 3, "versions kept");
    std::this_thread::yield();
  }
}

void drain(Models& models) {
  for (Service* service : {models.constant.get(), models.counting.get()}) {
    service->begin_drain();
    if (!service->wait_drained(now_ns() + kMillisecond)) service->abort_calls();
    models.check(service->wait_drained(kNever), "a drain");
  }
}

int count_wrong(int permits, int callers, int rounds) {
  Models models(permits);
  std::vector<std::thread> busy, others;
  for (int c = 0; c < callers; ++c)
    busy.emplace_back([&models, c, rounds] {
      std::mt19937 random{unsigned(c)};
      for (int r = 0; r < rounds; ++r) r % 4 == 3 ? posted_calls(models, random) : waiting_call(models, random);
    });
  others.emplace_back(change_versions, std::ref(models), 7u);
  others.emplace_back(change_versions, std::ref(models), 8u);
  others.emplace_back(watch, std::ref(models));
  busy.back().join();
  busy.pop_back();
  drain(models);
  for (std::thread& thread : busy) thread.join();
  models.stop = true;
  for (std::thread& thread : others) thread.join();
  for (Service* service : {models.constant.get(), models.counting.get()}) {
    service->close();
    models.check(tiny::adds_up(*service), "the counters at the end");
    models.check(service->account()->used() == 0, "memory at the end");
  }
  models.constant->set_metrics_place(nullptr);
  return models.wrong;
}

}  // namespace

int main(int argc, char** argv) {
  int rounds = argc > 1 ? std::atoi(argv[1]) : 40;
  int wrong = 0;
  for (int permits : {1, 2, 5})
    for (int callers : {2, 6}) wrong += count_wrong(permits, callers, rounds);
  std::printf("%d wrong\n", wrong);
  return wrong ? 1 : 0;
}
