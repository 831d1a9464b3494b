#include "onnx/hashing.h"

#include <algorithm>

#include "base/file_buffer.h"
#include "sched/thread_pool.h"

namespace engine::onnx {

Status Hashing::beside(bool worth_help, const std::function<Status()>& work) {
  struct Job {
    Hashing& hashing;
    const std::function<Status()>& work;
    Status status;
  } job{*this, work, {}};
  auto body = [](void* arg, int worker) {
    Job& job = *static_cast<Job*>(arg);
    if (worker > 0) {
      if (job.hashing.claim()) job.hashing.hash_all();
      return;
    }
    struct End {
      Hashing& hashing;
      ~End() { hashing.end(); }
    } whatever_happens{job.hashing};
    job.status = job.work();
  };
  ThreadPool::instance().run(worth_help ? 1 : 0, body, &job);
  return std::move(job.status);
}

void Hashing::add(RefPtr<Buffer> holder, const char* data, int64_t size) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    parts_.push_back({std::move(holder), data, size});
  }
  more_.notify_one();
}

void Hashing::end() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    ended_ = true;
  }
  more_.notify_one();
}

void Hashing::unless_begun() {
  if (claim()) hash_all();
}

std::string Hashing::digest() {
  unless_begun();
  return hex(hash_.finish());
}

bool Hashing::claim() {
  std::lock_guard<std::mutex> lock(mutex_);
  return !std::exchange(begun_, true);
}

bool Hashing::next(Part* part) {
  std::unique_lock<std::mutex> lock(mutex_);
  more_.wait(lock, [&] { return ended_ || !parts_.empty(); });
  if (parts_.empty()) return false;
  *part = std::move(parts_.front());
  parts_.pop_front();
  return true;
}

void Hashing::hash_all() {
  constexpr int64_t kPiece = int64_t(8) << 20;
  Part part;
  while (next(&part)) {
    for (int64_t at = 0; at < part.size; at += kPiece) {
      const int64_t n = std::min(kPiece, part.size - at);
      hash_.update(part.data + at, size_t(n));
      drop_file_pages(part.holder.get(), part.data + at, n);
    }
    part.holder = nullptr;
  }
}

}  // namespace engine::onnx
