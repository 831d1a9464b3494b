// Threads that compute calls nobody's thread waits for.
#pragma once

namespace engine {

// A piece of work for a thread of its own. Intrusive: it is in the queue itself.
class Task {
 public:
  // On a call thread, once. May queue other tasks and destroys itself if that is wanted. Does not throw.
  virtual void run() = 0;

 protected:
  Task() = default;
  ~Task() = default;

 private:
  friend class CallThreads;
  Task* next_ = nullptr;
};

// The process's call threads: started when there is more work than threads that are free, asleep when there is none. After
// fork() the child has none and what was queued is forgotten there.
class CallThreads {
 public:
  static CallThreads& instance();

  // Queues `task`; tasks start in the order in which they came. Any thread. False, and nothing is kept, when there is no
  // thread and the system gives none.
  bool post(Task& task);
  // The same for a task that others wait for: false, and nothing is kept, unless a thread is free for it or can be had.
  bool post_at_once(Task& task);

  // While it lives, if `wanted`, the first task that the calling thread posts is run by that thread itself, once the task that it is
  // in has returned, unless others wait in the queue: a thread that was woken for it could share a CPU with others while this one's
  // falls idle. For the end of a task; on other threads it does nothing.
  class HandOver {
   public:
    explicit HandOver(bool wanted);
    ~HandOver();
    HandOver(const HandOver&) = delete;
    HandOver& operator=(const HandOver&) = delete;
  };

  // Threads that exist now.
  int threads();
  static constexpr int kMaxThreads = 512;

 private:
  bool post(Task& task, bool at_once);
  void run();
};

}  // namespace engine
