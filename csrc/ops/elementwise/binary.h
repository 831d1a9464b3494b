// Operators y[i] = f(a[i], b[i]) with numpy broadcasting and a kernel (kernels/elementwise/elementwise.h).
#pragma once

#include <initializer_list>

#include "kernels/elementwise/elementwise.h"
#include "ops/elementwise/convert.h"
#include "ops/op.h"
#include "tensor/broadcast.h"

namespace engine {

// A kernel over two broadcast operands of one dtype. float16 and bfloat16 are computed in float32.
class BinaryLoop {
 public:
  BinaryLoop() = default;
  // REQUIRES: the (computed) dtype has the operation.
  BinaryLoop(BinaryOp op, DType operands);
  BinaryLoop(CompareOp op, DType operands);

  bool valid() const { return fn_[0] != nullptr; }
  // Output elements [begin, end) from operands of the dtype given; y is of that dtype too, or bool for a comparison.
  void range(const BroadcastPlan& plan, const void* a, const void* b, void* y, int64_t begin, int64_t end) const;
  double ns_per_element() const { return ns_; }

 private:
  void converted(const char* a, const char* b, char* y, int64_t n, Broadcast form) const;
  // The operand that has the same short runs in all rows of a plane while the other's follow each other; -1: none has.
  int repeating(const BroadcastPlan& plan) const;
  void repeated(const BroadcastPlan& plan, int short_one, const void* a, const void* b, void* y, int64_t begin, int64_t end) const;

  BinaryFn fn_[kBroadcasts] = {};
  DType operands_ = DType::Float, result_ = DType::Float;
  bool converts_ = false;
  Converter load_, store_;
  double ns_ = 0.5;
};

class ElementwiseBinary : public Op {
 public:
  explicit ElementwiseBinary(DTypeSet allowed) : allowed_(allowed) {}

  Status infer(InferContext& c) override;
  Status prepare(PrepareContext& c) override;
  Status run(OpRun& r) const override;

 protected:
  virtual BinaryLoop loop(DType operands) const = 0;
  virtual DType result(DType operands) const { return operands; }
  // Attributes.
  virtual Status read_attributes(InferContext&) { return {}; }
  // Values that run must refuse.
  virtual Status check(OpRun&) const { return {}; }

 private:
  DTypeSet allowed_;
  BinaryLoop loop_;
  BroadcastPlan plan_;
};

// InvalidInput when input i holds an integer zero.
Status refuse_zero_divisor(OpRun& r, int i);

template <BinaryOp kOp, DTypeSet kAllowed = dtypes::kNumeric>
class Arithmetic final : public ElementwiseBinary {
 public:
  Arithmetic() : ElementwiseBinary(kAllowed) {}

 protected:
  BinaryLoop loop(DType operands) const override { return BinaryLoop(kOp, operands); }
  Status check(OpRun& r) const override {
    if constexpr (kOp == BinaryOp::div) return refuse_zero_divisor(r, 1);
    return {};
  }
};

template <CompareOp kOp, DTypeSet kAllowed = dtypes::kNumeric>
class Comparison final : public ElementwiseBinary {
 public:
  Comparison() : ElementwiseBinary(kAllowed) {}

 protected:
  BinaryLoop loop(DType operands) const override { return BinaryLoop(kOp, operands); }
  DType result(DType) const override { return DType::Bool; }
};

// A row of the table for each version of a binary operator.
template <class T>
void add_binary(OpTable& table, const char* name, std::initializer_list<int> versions, const char* domain = "") {
  for (int since : versions) table.add<T>(domain, name, since, 2, 2);
}

}  // namespace engine
