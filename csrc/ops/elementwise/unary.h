// Operators y[i] = f(x[i]) with a kernel (kernels/elementwise/elementwise.h).
#pragma once

#include <initializer_list>

#include "kernels/elementwise/elementwise.h"
#include "ops/elementwise/convert.h"
#include "ops/op.h"

namespace engine {

class ElementwiseUnary : public Op {
 public:
  // allowed: the input's dtypes. float16 and bfloat16 are computed in float32; other dtypes without a kernel in float64.
  ElementwiseUnary(UnaryOp op, DTypeSet allowed) : op_(op), allowed_(allowed) {}

  Status infer(InferContext& c) override;
  Status prepare(PrepareContext& c) override;
  Status run(OpRun& r) const override;

 protected:
  // Attributes into op_ and params_.
  virtual Status read_attributes(InferContext&) { return {}; }

  UnaryOp op_;
  UnaryParams params_;

 private:
  void run_range(const Tensor& x, Tensor& y, int64_t begin, int64_t end) const;

  DTypeSet allowed_;
  UnaryFn run_ = nullptr;
  bool converts_ = false;
  Converter load_, store_;
};

// A row of the table for each version. Read: Status(InferContext&, UnaryOp&, UnaryParams&) that reads attributes, or null.
using ReadUnary = Status (*)(InferContext&, UnaryOp&, UnaryParams&);
template <UnaryOp kOp, DTypeSet kAllowed = dtypes::kFloats, ReadUnary kRead = nullptr>
void add_unary(OpTable& table, const char* name, std::initializer_list<int> versions, const char* domain = "") {
  class Unary final : public ElementwiseUnary {
   public:
    Unary() : ElementwiseUnary(kOp, kAllowed) {}

   protected:
    Status read_attributes(InferContext& c) override {
      if constexpr (kRead != nullptr) return kRead(c, op_, params_);
      return {};
    }
  };
  for (int since : versions) table.add<Unary>(domain, name, since, 1, 1);
}

// Nanoseconds for an element of a float32 operation.
double unary_ns(UnaryOp op);

}  // namespace engine
