#include "sched/fork.h"

#include <cstdlib>
#include <iterator>

#if !defined(_WIN32)
#include <pthread.h>
#endif

namespace engine {

// All mutexes that exist, in the order of their creation, and the repairs. Never destroyed.
struct ForkMutexes {
  std::mutex list_mutex;
  ForkMutex* first = nullptr;
  ForkMutex* last = nullptr;
  void (*repairs[16])() = {};
  int repair_count = 0;
  int generation = 0;

  static ForkMutexes& instance() {
    static ForkMutexes* const list = make();
    return *list;
  }

  void add(ForkMutex& mutex) {
    std::lock_guard<std::mutex> lock(list_mutex);
    mutex.before_ = last;
    (last ? last->after_ : first) = &mutex;
    last = &mutex;
  }

  void remove(ForkMutex& mutex) {
    std::lock_guard<std::mutex> lock(list_mutex);
    (mutex.before_ ? mutex.before_->after_ : first) = mutex.after_;
    (mutex.after_ ? mutex.after_->before_ : last) = mutex.before_;
  }

 private:
  static ForkMutexes* make() {
    auto* list = new ForkMutexes;
#if !defined(_WIN32)
    pthread_atfork(prepare, in_parent, in_child);
#endif
    return list;
  }

  static void prepare() {
    ForkMutexes& list = instance();
    list.list_mutex.lock();
    for (ForkMutex* mutex = list.first; mutex; mutex = mutex->after_) mutex->lock();
  }

  static void in_parent() {
    ForkMutexes& list = instance();
    for (ForkMutex* mutex = list.last; mutex; mutex = mutex->before_) mutex->unlock();
    list.list_mutex.unlock();
  }

  static void in_child() {
    ForkMutexes& list = instance();
    ++list.generation;
    for (int i = 0; i < list.repair_count; ++i) list.repairs[i]();
    in_parent();
  }
};

int fork_generation() { return ForkMutexes::instance().generation; }

ForkMutex::ForkMutex() { ForkMutexes::instance().add(*this); }
ForkMutex::~ForkMutex() { ForkMutexes::instance().remove(*this); }

void on_fork_child(void (*repair)()) {
  ForkMutexes& list = ForkMutexes::instance();
  std::lock_guard<std::mutex> lock(list.list_mutex);
  if (list.repair_count == int(std::size(list.repairs))) std::abort();
  list.repairs[list.repair_count++] = repair;
}

}  // namespace engine
