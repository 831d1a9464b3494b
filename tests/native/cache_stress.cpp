// Models that load at once through one folder of packed weights, reload and answer, while another process, as it were, does to the
// folder what it may: files vanish, grow old and are swept, and lie there damaged. Exit code 0 when every model answers with its own
// weights, whatever it found, and no memory stays charged and no descriptor open.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <thread>
#include <vector>

#include "calls.h"
#include "tiny_models.h"

namespace {

using namespace engine;
namespace files = std::filesystem;

constexpr int kSide = 256;  // a packed constant is worth a file, and sums of equal parts are exact
constexpr int kVersions = 4;
constexpr int64_t kLimit = 4 * (kSide * kSide * int64_t(sizeof(float)) + 8192);  // not all of them fit

struct Shop {
  std::string folder;
  std::vector<std::string> versions;
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::atomic<int64_t> found{0}, stored{0}, failed{0};

  void check(bool good, const char* what) {
    if (good) return;
    std::printf("wrong: %s\n", what);
    wrong.fetch_add(1);
  }
};

void count(Shop& shop, Service& service) {
  RefPtr<Version> version = service.slot().get();
  SharedPacks packs = version->model().shared_packs();
  shop.found += packs.found;
  shop.stored += packs.stored;
  shop.failed += packs.failed;
}

void load_and_call(Shop& shop, std::mt19937& random) {
  LoadOptions options;
  options.cache = shop.folder;
  options.cache_limit = kLimit;
  RefPtr<Service> service = make_ref<Service>(ServiceOptions());
  for (int reloads = 0; reloads < 3; ++reloads) {
    const size_t version = random() % kVersions;
    shop.check(tiny::load(*service, shop.versions[version], random() % 2 == 0, options) == Code::Ok, "a load");
    tiny::Feeds feeds = tiny::Feeds::ones(1 + int(random() % 9), kSide);
    shop.check(feeds.run(*service) == Code::Ok && feeds.answered() == float(version + 1), "an answer");
    count(shop, *service);
  }
  service->close();
  shop.check(service->account()->used() == 0, "memory at the end");
}

void damage(const std::string& folder, const files::path& name, std::mt19937& random) {
  const std::string beside = folder + "/rubbish";
  std::ifstream file(name, std::ios::binary);
  std::string content{std::istreambuf_iterator<char>(file), {}};
  if (random() % 2) content += "more";
  else if (!content.empty()) content[random() % content.size()] ^= 1;
  ::unlink(beside.c_str());
  std::ofstream(beside, std::ios::binary) << content;
  ::chmod(beside.c_str(), 0400);
  ::rename(beside.c_str(), name.c_str());
}

void grow_old(const files::path& name) {
  const timespec then{std::time(nullptr) - 3600, 0};
  const timespec times[2] = {then, then};
  ::utimensat(AT_FDCWD, name.c_str(), times, 0);
}

void interfere(Shop& shop) {
  std::mt19937 random(5);
  while (!shop.stop.load()) {
    std::error_code ignored;
    for (const files::directory_entry& entry : files::directory_iterator(shop.folder, ignored)) {
      if (entry.path().extension() != ".pack") continue;
      switch (random() % 8) {
        case 0: ::unlink(entry.path().c_str()); break;
        case 1: damage(shop.folder, entry.path(), random); break;
        case 2:
        case 3: grow_old(entry.path()); break;
        default: break;
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

int open_descriptors() {
  int count = 0;
  for (int descriptor = 0; descriptor < 1024; ++descriptor) count += ::fcntl(descriptor, F_GETFD) >= 0;
  return count;
}

void run(Shop& shop, int loaders, int rounds) {
  std::thread other(interfere, std::ref(shop));
  std::vector<std::thread> threads;
  for (int t = 0; t < loaders; ++t)
    threads.emplace_back([&shop, t, rounds] {
      std::mt19937 random{unsigned(t)};
      for (int r = 0; r < rounds; ++r) load_and_call(shop, random);
    });
  for (std::thread& thread : threads) thread.join();
  shop.stop = true;
  other.join();
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 60;
  Shop shop;
  std::string name = (files::temp_directory_path() / "engine-cache-XXXXXX").string();
  if (!::mkdtemp(name.data())) return 2;
  shop.folder = name;
  for (int value = 1; value <= kVersions; ++value) shop.versions.push_back(tiny::constant_model(float(value), kSide));
  const int descriptors = open_descriptors();
  run(shop, 4, rounds);
  shop.check(open_descriptors() == descriptors, "descriptors stay open");
  files::remove_all(shop.folder);
  shop.check(shop.found > 0 && shop.stored > 0 && shop.failed > 0, "nothing was found, stored or refused");
  std::printf("%d wrong; %lld packed constants found, %lld stored, %lld failures of files\n", shop.wrong.load(), (long long)shop.found,
              (long long)shop.stored, (long long)shop.failed);
  return shop.wrong ? 1 : 0;
}
