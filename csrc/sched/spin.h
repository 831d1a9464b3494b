// Bounded busy waiting: by time, not by count, since a pause instruction takes from 5 to 150 cycles.
#pragma once

#include <cstdint>

namespace engine {

// How long a thread spins before it sleeps: the environment's ENGINE_SPIN_US (microseconds, 0 ... 100000) as it was
// when the library was loaded, else 50 us. 0: never spin.
int64_t spin_limit_ns();

// One pause instruction: tells the core that this thread waits.
inline void cpu_pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) && defined(__GNUC__)
  __asm__ __volatile__("isb" ::: "memory");
#endif
}

// Waits for a thread that is two or three instructions from done, and may have been preempted before them, perhaps by this one.
class BriefWait {
 public:
  void pause();

 private:
  int pauses_ = 0;
};

// A spin of at most spin_limit_ns() from construction or restart(), on the real clock whatever a test installed.
class SpinWait {
 public:
  SpinWait() { restart(); }
  void restart();
  // Pauses for some nanoseconds. False when the time is over: sleep now.
  bool pause();
  // True after every pause that read the clock: the moment for checks that cost more.
  bool at_clock() const { return pauses_ % kPausesPerClock == 0; }
  // How much of the time was over when the clock was last read, and whether that was more than half.
  int64_t spent_ns() const { return spin_limit_ns() - left_ns_; }
  bool past_half() const { return left_ns_ < spin_limit_ns() / 2; }

 private:
  static constexpr uint32_t kPausesPerClock = 16;
  int64_t end_ns_, left_ns_;
  uint32_t pauses_;
};

}  // namespace engine
