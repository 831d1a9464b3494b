#include "sched/cpus.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <thread>

#if defined(__linux__)
#include <errno.h>
#include <sched.h>

#include <vector>
#endif

namespace engine {
namespace {

int hardware_cpus() { return std::max(1, int(std::thread::hardware_concurrency())); }

#if defined(__linux__)

// The kernel refuses a mask that is smaller than its own with EINVAL.
int affinity_cpus() {
  constexpr size_t kMaxMask = size_t(1) << 16;
  for (size_t bytes = sizeof(cpu_set_t); bytes <= kMaxMask; bytes *= 2) {
    std::vector<unsigned long> mask(bytes / sizeof(unsigned long));
    auto* set = reinterpret_cast<cpu_set_t*>(mask.data());
    if (sched_getaffinity(0, bytes, set) == 0) return std::max(1, CPU_COUNT_S(bytes, set));
    if (errno != EINVAL) break;
  }
  return hardware_cpus();
}

int quota_cpus() {
  std::ifstream in("/proc/self/cgroup");
  std::string text(std::istreambuf_iterator<char>(in), {});
  double quota = cgroup_cpu_quota("/", text);
  return quota > 0 ? int(std::min(std::ceil(quota), 1e6)) : 0;
}

#else

int affinity_cpus() { return hardware_cpus(); }
int quota_cpus() { return 0; }

#endif

}  // namespace

int available_cpus() {
  int cpus = affinity_cpus(), quota = quota_cpus();
  return quota > 0 ? std::max(1, std::min(cpus, quota)) : cpus;
}

}  // namespace engine
