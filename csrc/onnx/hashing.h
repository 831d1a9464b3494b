// The digest of a file that nobody waits for: computed on a helper while the file is read and used.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>

#include "base/memory.h"
#include "base/status.h"
#include "onnx/sha256.h"

namespace engine::onnx {

// Memory that was hashed is let go at once. One thread gives parts and asks for the digest.
class Hashing {
 public:
  // Runs `work`, which gives parts, on this thread; they are hashed meanwhile if a helper is free. `worth_help`: ask for one.
  Status beside(bool worth_help, const std::function<Status()>& work);

  // The next bytes: `size` at `data`, which is in `holder`.
  void add(RefPtr<Buffer> holder, const char* data, int64_t size);
  // All parts are given.
  void end();
  // Hashes here, after end(), unless a helper has begun to.
  void unless_begun();
  // REQUIRES: beside() is over, with success.
  std::string digest();

 private:
  struct Part {
    RefPtr<Buffer> holder;
    const char* data;
    int64_t size;
  };
  bool claim();
  void hash_all();
  bool next(Part* part);

  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<Part> parts_;  // not hashed yet
  bool ended_ = false, begun_ = false;
  Sha256 hash_;             // of who has begun
};

}  // namespace engine::onnx
