// Work that must not slow what is under way.
#pragma once

#include <functional>

namespace engine {

// Runs work() on a new thread of low priority, where the system has priorities of threads, and returns when it is done; on this
// thread when the system gives no other. It gets no helpers of the thread pool. REQUIRES: work does not throw.
void run_in_background(const std::function<void()>& work);

}  // namespace engine
