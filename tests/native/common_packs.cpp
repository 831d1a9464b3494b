// Packed constants that caches of several models have in common: kept once while their bytes are the same, charged to each, and gone
// with the last. Then many threads that make and drop them at once. Exit code 0 when all is right.
#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "plan/pack_cache.h"

namespace {

using namespace engine;

std::atomic<int> g_wrong{0};

void check(bool good, const char* what) {
  if (good) return;
  std::printf("wrong: %s\n", what);
  g_wrong.fetch_add(1);
}

std::shared_ptr<const Tensor> constant(int64_t bytes, char value) {
  Tensor t = make_tensor(DType::Uint8, {bytes}, nullptr, "a constant").take();
  std::memset(t.data, value, size_t(bytes));
  return std::make_shared<const Tensor>(std::move(t));
}

// Packs by turning the bytes around.
RefPtr<Buffer> pack(PackCache& cache, const std::shared_ptr<const Tensor>& source, const char* kind = "turned around") {
  auto fill = [&](char* memory) {
    for (int64_t i = 0; i < source->bytes(); ++i) memory[i] = source->as<char>()[source->bytes() - 1 - i];
  };
  using Fill = decltype(fill);
  Packing packing{{&source, 1}, kind, source->bytes(), [](void* f, char* memory) { (*static_cast<Fill*>(f))(memory); }, &fill};
  return cache.get(packing).take();
}

bool all_are(const Buffer& packed, char value) {
  for (int64_t i = 0; i < packed.size(); ++i)
    if (packed.data()[i] != value) return false;
  return true;
}

constexpr int64_t kBytes = int64_t(3) << 20;

struct OneModel {
  RefPtr<MemoryAccount> account = make_ref<MemoryAccount>();
  ModelPackCache cache{account.get()};
};

void the_same_is_kept_once() {
  auto first = std::make_unique<OneModel>(), second = std::make_unique<OneModel>();
  RefPtr<Buffer> a = pack(first->cache, constant(kBytes, 1)), b = pack(second->cache, constant(kBytes, 1));
  check(a->data() == b->data(), "two models pack the same");
  check(first->account->used() == kBytes && second->account->used() == kBytes, "each is charged");
  check(first->cache.bytes() == kBytes && second->cache.bytes() == kBytes, "each tells it");
  a = nullptr;
  first = nullptr;
  check(all_are(*b, 1), "what is left when the first model goes");
  OneModel third;
  check(pack(third.cache, constant(kBytes, 1))->data() == b->data(), "a third finds what the second holds");
}

void what_differs_is_not() {
  OneModel first, second;
  RefPtr<Buffer> a = pack(first.cache, constant(kBytes, 2));
  std::shared_ptr<const Tensor> other = constant(kBytes, 2);
  other->as<char>()[kBytes / 2 + 77] = 3;  // between what a sample of it sees
  RefPtr<Buffer> b = pack(second.cache, other);
  check(a->data() != b->data() && all_are(*a, 2) && b->data()[kBytes / 2 - 78] == 3, "one byte is another");
  check(pack(second.cache, constant(kBytes, 2), "otherwise")->data() != a->data(), "another kind");
  check(pack(second.cache, constant(kBytes - 1, 2))->data() != a->data(), "another size");
  OneModel third;
  check(pack(third.cache, other)->data() == b->data() && pack(third.cache, constant(kBytes, 2))->data() == a->data(), "two of one name");
  RefPtr<MemoryAccount> small = make_ref<MemoryAccount>(kBytes - 1);
  ModelPackCache no_room(small.get());
  std::shared_ptr<const Tensor> same = constant(kBytes, 2);
  Packing packing{{&same, 1}, "turned around", kBytes, [](void*, char*) {}, nullptr};
  Result<RefPtr<Buffer>> refused = no_room.get(packing);
  check(!refused.ok() && std::move(refused).status().code() == Code::MemoryLimitExceeded && small->used() == 0, "a limit counts what is shared");
}

#if defined(__linux__)
int64_t resident_pages(const char* data, int64_t bytes) {
  const uintptr_t page = 4096, from = (reinterpret_cast<uintptr_t>(data) + page - 1) / page * page;
  std::vector<unsigned char> there(size_t(bytes) / page - 1);
  if (mincore(reinterpret_cast<void*>(from), there.size() * page, there.data()) != 0) return 0;
  int64_t count = 0;
  for (unsigned char t : there) count += t & 1;
  return count;
}

// Also what lies side by side with memory that another model still has.
void memory_goes_back() {
  auto first = std::make_unique<OneModel>();
  OneModel second;
  const char* places[4];
  for (char i = 0; i < 4; ++i) places[size_t(i)] = pack(first->cache, constant(kBytes, char(10 + i)))->data();
  RefPtr<Buffer> kept = pack(second.cache, constant(kBytes, 11));
  check(kept->data() == places[1], "kept by the second model");
  for (const char* place : places) check(resident_pages(place, kBytes) > 0, "there before");
  first = nullptr;
  for (const char* place : places) check((resident_pages(place, kBytes) > 0) == (place == places[1]), "gone after, but for what is held");
  check(all_are(*kept, 11), "what lies between");
}
#endif

void many_at_once(int seconds) {
  std::atomic<bool> stop{false};
  std::atomic<int64_t> rounds{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      std::mt19937 random{unsigned(t)};
      while (!stop.load()) {
        OneModel model;
        std::vector<std::pair<RefPtr<Buffer>, char>> held;
        for (int i = 0; i < 6; ++i) {
          const char value = char(20 + random() % 5);
          held.emplace_back(pack(model.cache, constant(int64_t(70000) << random() % 6, value)), value);
        }
        for (const auto& [packed, value] : held) check(all_are(*packed, value), "made and dropped at once");
        rounds.fetch_add(1);
      }
    });
  std::this_thread::sleep_for(std::chrono::seconds(seconds));
  stop.store(true);
  for (std::thread& t : threads) t.join();
  check(rounds.load() > 0, "nothing was done");
}

}  // namespace

int main(int n, char** arguments) {
  the_same_is_kept_once();
  what_differs_is_not();
#if defined(__linux__)
  memory_goes_back();
#endif
  many_at_once(n > 1 ? std::atoi(arguments[1]) : 10);
  std::printf("%d wrong\n", g_wrong.load());
  return g_wrong.load() == 0 ? 0 : 1;
}
