#include "sched/spin.h"

#include <chrono>
#include <cstdlib>
#include <thread>

namespace engine {
namespace {

constexpr int64_t kDefaultSpinUs = 50;
constexpr int64_t kMaxSpinUs = 100000;
constexpr int kYields = 16;
constexpr auto kNap = std::chrono::microseconds(20);

int64_t spin_ns_from_environment() {
  const char* text = std::getenv("ENGINE_SPIN_US");
  if (!text || !*text) return kDefaultSpinUs * 1000;
  char* end = nullptr;
  long long us = std::strtoll(text, &end, 10);
  bool valid = *end == '\0' && us >= 0 && us <= kMaxSpinUs;
  return (valid ? us : kDefaultSpinUs) * 1000;
}

const int64_t g_spin_ns = spin_ns_from_environment();

int64_t real_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

int64_t spin_limit_ns() { return g_spin_ns; }

void BriefWait::pause() {
  if (++pauses_ <= kYields) std::this_thread::yield();
  else std::this_thread::sleep_for(kNap);
}

void SpinWait::restart() {
  end_ns_ = g_spin_ns > 0 ? real_ns() + g_spin_ns : 0;
  left_ns_ = g_spin_ns;
  pauses_ = 0;
}

bool SpinWait::pause() {
  if (g_spin_ns == 0) return false;
  cpu_pause();
  if (++pauses_ % kPausesPerClock != 0) return true;
  left_ns_ = end_ns_ - real_ns();
  return left_ns_ > 0;
}

}  // namespace engine
