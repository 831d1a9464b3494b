// Calls of the tiny models, as a binding makes them.
#pragma once

#include <string>
#include <vector>

#include "service/async_call.h"
#include "service/loader.h"

namespace tiny {

using namespace engine;

// Loads, for two threads a call, and publishes; the code of what came of it.
Code load(Service& service, const std::string& bytes, bool background = false, LoadOptions options = {});

// The input x of constant_model(., n), ones, or both inputs of counting_model (rounds >= 0), and what came of a call on them.
class Feeds {
 public:
  static Feeds ones(int rows, int n);
  static Feeds counting(int64_t rounds);
  // Gives the inputs to a call that is open.
  void put(Call& call);
  // A call from beginning to end on this thread. std::bad_alloc, which a binding would turn into its exception, counts as memory.
  Code run(Service& service, const CallOptions& options = {}, double timeout = -1);
  // What the call that ended well answered: the value that every element has; NaN when they differ.
  static float answer(Call& call);
  float answered() const { return answered_; }

 private:
  std::vector<int64_t> dims_;
  std::vector<float> x_, y_;
  int64_t rounds_ = -1;
  float answered_ = 0;
};

// True when nothing is in flight, running or queued and every call that started ended in one outcome.
bool adds_up(Service& service);

inline constexpr int64_t kEndless = int64_t(1) << 60;

}  // namespace tiny
