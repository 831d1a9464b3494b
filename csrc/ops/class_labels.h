// The labels that a classifier of ai.onnx.ml answers with: int64 or strings.
#pragma once

#include <string>
#include <vector>

#include "ops/op.h"

namespace engine {

class ClassLabels {
 public:
  // Exactly one of the two attributes must be there.
  Status read(const InferContext& c, const char* ints_name, const char* strings_name) {
    ints_ = c.attr_ints(ints_name);
    strings_ = c.attr_strings(strings_name);
    if (ints_.empty() == strings_.empty())
      return error(Code::InvalidModel, "one of the attributes %s and %s must be given", ints_name, strings_name);
    return {};
  }

  int64_t count() const { return int64_t(ints_.size() + strings_.size()); }
  bool is_string() const { return !strings_.empty(); }
  DType dtype() const { return is_string() ? DType::String : DType::Int64; }

  // out[i] = label k. `out` has this dtype(). REQUIRES: 0 <= k < count().
  void write(const Tensor& out, int64_t i, int64_t k) const {
    if (is_string()) out.as<std::string>()[i] = strings_[size_t(k)];
    else out.as<int64_t>()[i] = ints_[size_t(k)];
  }

  const std::vector<int64_t>& ints() const { return ints_; }
  const std::vector<std::string>& strings() const { return strings_; }

 private:
  std::vector<int64_t> ints_;
  std::vector<std::string> strings_;
};

}  // namespace engine
