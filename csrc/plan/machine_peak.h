// What this machine reaches now, on the instruction set in use: the roof over steps (plan/step_cost.h).
#pragma once

#include <string>
#include <vector>

#include "base/status.h"

namespace engine {

// A level of the memory: how fast a plain loop reads what fits into it, all threads together.
struct MemoryLevel {
  std::string name;      // "L2", "L3", "memory"
  int64_t bytes = 0;     // that fit, all threads together; 0: any number
  double gbytes = 0;     // 1e9 bytes a second
};

struct MachinePeak {
  int threads = 1;
  double gflops = 0;                 // float32 multiply-adds from registers, 1e9 operations a second, all threads together
  std::vector<MemoryLevel> levels;   // the smallest first, memory last
};

// Takes some tens of milliseconds, and memory of four times the last cache meanwhile. The best of several rounds counts, so that a
// neighbour that comes and goes does not lower the roof. REQUIRES: threads > 0.
Result<MachinePeak> measure_peak(int threads);

}  // namespace engine
