#include <utility>

#include "ops/control_flow.h"
#include "ops/growing_tensor.h"

namespace engine {
namespace {

Value scalar_value(DType dtype, void* data) {
  Value v;
  v.kind = ValueKind::Tensor;
  v.tensor.dtype = dtype;
  v.tensor.data = data;
  return v;
}

Status check_one(const InferContext& c, int i, DType dtype, const char* what) {
  if (!c.has_input(i)) return {};
  ENGINE_TRY(c.require(i, dtype_set(dtype)));
  if (c.known(i) && c.shape(i).elements() != 1)
    return error(Code::InvalidModel, "the %s has shape %s; one element is allowed", what, c.shape(i).text().c_str());
  return {};
}

class Loop final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(check_one(c, 0, DType::Int64, "trip count"));
    ENGINE_TRY(check_one(c, 1, DType::Bool, "condition"));
    size_t carried = c.input_count() > 2 ? size_t(c.input_count() - 2) : 0;
    std::vector<TypeInfo> formal = {TypeInfo::tensor(DType::Int64, Shape{}), TypeInfo::tensor(DType::Bool, Shape{})};
    for (size_t k = 0; k < carried; ++k) formal.push_back(c.has_input(int(k) + 2) ? c.type(int(k) + 2) : TypeInfo());
    ENGINE_ASSIGN(std::vector<TypeInfo> made, infer_iterated_body(c, "body", formal, 2, 1, carried));
    if (int(made.size()) != c.output_count() + 1)
      return error(Code::InvalidModel, "the body has %zu outputs; the node's %d and a condition are expected", made.size(),
                   c.output_count());
    for (int o = 0; o < c.output_count(); ++o) {
      TypeInfo type = made[size_t(o) + 1];
      if (size_t(o) >= carried) ENGINE_TRY(stack(type));
      c.set(o, type);
      c.set_at_run(o);
    }
    return {};
  }

  Status prepare(PrepareContext& c) override {
    body_ = c.body("body");
    carried_ = c.input_count() > 2 ? size_t(c.input_count() - 2) : 0;
    scans_ = size_t(c.output_count()) - carried_;
    return check_body(body_, "body", 2 + carried_ + size_t(c.node().captures), 1 + carried_ + scans_);
  }

  Status run(OpRun& r) const override {
    int64_t trips = INT64_MAX, iteration = 0;
    bool condition = true;
    ENGINE_TRY(read_limits(r, trips, condition));
    Value iteration_value = scalar_value(DType::Int64, &iteration), condition_value = scalar_value(DType::Bool, &condition);
    std::vector<const Value*> inputs = {&iteration_value, &condition_value};
    for (size_t k = 0; k < carried_; ++k) inputs.push_back(r.value(int(k) + 2));
    inputs.insert(inputs.end(), r.captured().begin(), r.captured().end());

    std::vector<Value> state(carried_), made(1 + carried_ + scans_);
    std::vector<GrowingTensor> scans(scans_);
    for (; iteration < trips && condition; ++iteration) {
      ENGINE_TRY(r.checkpoint());
      ENGINE_TRY(body_->run(r.context(), inputs, made));
      for (size_t s = 0; s < scans_; ++s) ENGINE_TRY(append(r, scans[s], made[1 + carried_ + s], trips));
      ENGINE_TRY(read_condition(made[0], condition));
      for (size_t k = 0; k < carried_; ++k) {
        std::swap(state[k], made[1 + k]);
        inputs[2 + k] = &state[k];
      }
    }
    return finish(r, iteration, state, scans);
  }

 private:
  static Status stack(TypeInfo& type) {
    if (type.kind == TypeKind::Unknown) return {};
    if (!type.is_tensor()) return error(Code::InvalidModel, "a scan output is %s; tensors are allowed", type.text().c_str());
    if (!type.has_rank) return {};
    if (type.shape.rank() == kMaxRank) return error(Code::UnsupportedOperator, "a scan output has too many dimensions");
    type.shape.insert(0, kUnknownDim);
    return {};
  }

  static Status read_limits(OpRun& r, int64_t& trips, bool& condition) {
    for (int i : {0, 1})
      if (r.has(i) && r.in(i).elements() != 1)
        return error(Code::InvalidInput, "the %s has shape %s; one element is allowed", i ? "condition" : "trip count",
                     r.in(i).shape.text().c_str());
    if (r.has(0)) trips = r.in<int64_t>(0)[0];
    if (r.has(1)) condition = r.in<uint8_t>(1)[0] != 0;
    return {};
  }

  static Status read_condition(const Value& v, bool& condition) {
    if (v.kind != ValueKind::Tensor || v.tensor.dtype != DType::Bool || v.tensor.elements() != 1)
      return error(Code::InvalidInput, "the body's condition must be one bool");
    condition = v.tensor.as<uint8_t>()[0] != 0;
    return {};
  }

  static Status append(OpRun& r, GrowingTensor& scan, const Value& slice, int64_t trips) {
    if (slice.kind != ValueKind::Tensor) return error(Code::InvalidInput, "a scan output is no tensor");
    return scan.append(r, slice.tensor, trips);
  }

  Status finish(OpRun& r, int64_t iterations, std::vector<Value>& state, std::vector<GrowingTensor>& scans) const {
    for (size_t k = 0; k < carried_; ++k) {
      if (!r.wants(int(k))) continue;
      if (iterations == 0 && r.value(int(k) + 2)) {
        ENGINE_ASSIGN(state[k], r.own(*r.value(int(k) + 2)));
      }
      r.set(int(k), std::move(state[k]));
    }
    for (size_t s = 0; s < scans_; ++s) {
      int o = int(carried_ + s);
      if (!r.wants(o)) continue;
      if (scans[s].count() == 0) {
        TypeInfo type = body_->output_type(1 + o);
        DType dtype = type.dtype == DType::Undefined ? DType::Float : type.dtype;
        ENGINE_TRY(r.allocate(o, dtype, stacked_shape_of_type(type, 0, 0)));
        continue;
      }
      Value v;
      v.kind = ValueKind::Tensor;
      ENGINE_ASSIGN(v.tensor, scans[s].finish(r));
      r.set(o, std::move(v));
    }
    return {};
  }

  Subprogram* body_ = nullptr;
  size_t carried_ = 0, scans_ = 0;
};

}  // namespace

void op_loop(OpTable& t) {
  // Trip count and condition may both be left out, by empty names.
  t.add<Loop>("", "Loop", 1, 0, -1, 1, -1);
  for (int since : {11, 13, 16, 19, 21, 23, 24, 25}) t.add<Loop>("", "Loop", since, 0, -1, 1, -1);
}

}  // namespace engine
