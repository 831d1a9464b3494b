// What one model may still make of memory and work: keeps a small file from asking for much.
#pragma once

#include "base/status.h"
#include "onnx/limits.h"

namespace engine::onnx {

class Budget {
 public:
  // `memory_limit` (0: none) bounds the bytes too.
  Budget(int64_t model_bytes, int64_t memory_limit)
      : bytes_(limits::kDecodedBytesFloor + limits::kDecodedBytesPerModelByte * model_bytes),
        memory_(memory_limit > 0 ? memory_limit : INT64_MAX) {}

  void add_external_file(int64_t bytes) { bytes_.allow(limits::kDecodedBytesPerExternalByte * bytes); }

  // InvalidModel when there is not enough left; MemoryLimitExceeded when it is the memory limit. REQUIRES: n >= 0.
  Status take_bytes(int64_t n) {
    ENGINE_TRY(memory_.take(n, "bytes of constants and attributes", Code::MemoryLimitExceeded));
    return bytes_.take(n, "bytes of decoded constants, attributes and names", Code::InvalidModel);
  }
  Status take_nodes(int64_t n) { return nodes_.take(n, "nodes", Code::InvalidModel); }
  Status take_values(int64_t n) { return values_.take(n, "values and uses of values", Code::InvalidModel); }
  // A second count of nodes and values, for those that inlining makes.
  void start_building() {
    nodes_ = Amount(limits::kNodes);
    values_ = Amount(limits::kValues);
  }

 private:
  class Amount {
   public:
    explicit Amount(int64_t allowed) : allowed_(allowed), left_(allowed) {}
    void allow(int64_t more) {
      allowed_ += more;
      left_ += more;
    }
    Status take(int64_t n, const char* what, Code code) {
      if (n > left_)
        return error(code, "the model is too large: it makes more than the %lld %s that are allowed",
                     (long long)allowed_, what);
      left_ -= n;
      return {};
    }

   private:
    int64_t allowed_, left_;
  };

  Amount bytes_, memory_, nodes_{limits::kNodes}, values_{limits::kValues};
};

}  // namespace engine::onnx
