#include "sched/thread_pool.h"

namespace engine {

ThreadPool& ThreadPool::instance() {
  static ThreadPool pool;
  return pool;
}

void ThreadPool::run(int helpers, Body body, void* arg) { body(arg, 0); }
int ThreadPool::threads() const { return 0; }

}  // namespace engine
