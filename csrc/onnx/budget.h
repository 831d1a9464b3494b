// What one model may still make of memory and work: keeps a small file from asking for much.
#pragma once

#include "base/status.h"
#include "onnx/limits.h"

namespace engine::onnx {

class Budget {
 public:
  // `memory_limit` (0: none) bounds the bytes too.
  Budget(int64_t model_bytes, int64_t memory_limit)
      : bytes_(limits::kDecodedBytesFloor + limits::kDecodedBytesPerModelByte * model_bytes), limited_(memory_limit > 0) {
    if (limited_) memory_left_ = memory_limit;
  }

  void add_external_file(int64_t bytes) { bytes_ += limits::kDecodedBytesPerExternalByte * bytes; }

  // InvalidModel when there is not enough left; MemoryLimitExceeded when it is the memory limit. REQUIRES: n >= 0.
  Status take_bytes(int64_t n) {
    if (limited_) ENGINE_TRY(take(memory_left_, n, "bytes", Code::MemoryLimitExceeded));
    return take(bytes_, n, "bytes of decoded tensors and attributes", Code::InvalidModel);
  }
  Status take_nodes(int64_t n) { return take(nodes_, n, "nodes", Code::InvalidModel); }
  Status take_values(int64_t n) { return take(values_, n, "values and uses of values", Code::InvalidModel); }
  // A second count of nodes and values, for those that inlining makes.
  void start_building() {
    nodes_ = limits::kNodes;
    values_ = limits::kValues;
  }

 private:
  static Status take(int64_t& left, int64_t n, const char* what, Code code) {
    if (n > left) return error(code, "the model is too large: %lld more %s, %lld are left of those allowed", (long long)n, what, (long long)left);
    left -= n;
    return {};
  }

  int64_t bytes_, memory_left_ = 0, nodes_ = limits::kNodes, values_ = limits::kValues;
  bool limited_;
};

}  // namespace engine::onnx
