#include <algorithm>

#include "ops/scan_loop.h"

namespace engine {
namespace {

Status check_ports(const InferContext& c, const char* name, size_t given, size_t needed) {
  if (given == 0 || given == needed) return {};
  return error(Code::InvalidModel, "%s has %zu entries; %zu are expected", name, given, needed);
}

// Version 8: input 0 is the sequences' lengths, dimension 0 of everything is the batch and dimension 1 the sequence.
// From version 9 on: no batch, any axis.
class Scan : public Op {
 public:
  explicit Scan(bool batched) : batched_(batched), first_(batched ? 1 : 0) {}

  Status infer(InferContext& c) override {
    ENGINE_TRY(read_counts(c));
    ENGINE_TRY(read_ports(c));
    std::vector<TypeInfo> formal;
    for (size_t s = 0; s < states_; ++s) {
      ENGINE_ASSIGN(TypeInfo type, element_type(c, int(s), batched_ ? 1 : 0, 0));
      formal.push_back(std::move(type));
    }
    for (size_t i = 0; i < in_.size(); ++i) {
      ENGINE_ASSIGN(TypeInfo type, element_type(c, int(states_ + i), batched_ ? 2 : 1, in_[i].axis));
      formal.push_back(std::move(type));
    }
    ENGINE_ASSIGN(std::vector<TypeInfo> made, infer_iterated_body(c, "body", formal, 0, 0, states_));
    if (int(made.size()) != c.output_count())
      return error(Code::InvalidModel, "the body has %zu outputs; the node has %d", made.size(), c.output_count());
    for (int o = 0; o < c.output_count(); ++o) {
      ENGINE_ASSIGN(TypeInfo type, whole_type(std::move(made[size_t(o)]), o));
      c.set(o, type);
      c.set_at_run(o);
    }
    return {};
  }

  Status prepare(PrepareContext& c) override {
    body_ = c.body("body");
    return check_body(body_, "body", states_ + in_.size() + size_t(c.node().captures), size_t(c.output_count()));
  }

  Status run(OpRun& r) const override { return batched_ ? run_batches(r) : run_one(r); }

 private:
  Status read_counts(const InferContext& c) {
    int64_t scans = c.attr_int("num_scan_inputs", 0), values = c.input_count() - first_;
    if (scans < 1 || scans > values)
      return error(Code::InvalidModel, "num_scan_inputs is %lld; 1 to %lld are allowed", (long long)scans, (long long)values);
    in_.assign(size_t(scans), {});
    states_ = size_t(values - scans);
    if (c.output_count() < int(states_))
      return error(Code::InvalidModel, "the node has %d outputs; at least its %zu states are expected", c.output_count(), states_);
    out_.assign(size_t(c.output_count()) - states_, {});
    for (int i = first_; i < c.input_count(); ++i)
      if (!c.has_input(i)) return error(Code::InvalidModel, "input %d is missing", i);
    if (batched_ && c.has_input(0)) ENGINE_TRY(c.require(0, dtype_set(DType::Int64)));
    return {};
  }

  Status read_ports(const InferContext& c) {
    std::vector<int64_t> reverse = c.attr_ints(batched_ ? "directions" : "scan_input_directions");
    ENGINE_TRY(check_ports(c, "the list of directions", reverse.size(), in_.size()));
    for (size_t i = 0; i < reverse.size(); ++i) in_[i].reverse = reverse[i] != 0;
    if (batched_) return {};
    std::vector<int64_t> back = c.attr_ints("scan_output_directions"), axes = c.attr_ints("scan_input_axes");
    ENGINE_TRY(check_ports(c, "scan_output_directions", back.size(), out_.size()));
    ENGINE_TRY(check_ports(c, "scan_input_axes", axes.size(), in_.size()));
    for (size_t k = 0; k < back.size(); ++k) out_[k].reverse = back[k] != 0;
    for (size_t i = 0; i < axes.size(); ++i) {
      if (axes[i] >= 0 && axes[i] < kMaxRank) in_[i].axis = int(axes[i]);
      if (!c.has_rank(int(states_ + i))) continue;
      ENGINE_ASSIGN(in_[i].axis, normalize_axis(axes[i], c.shape(int(states_ + i)).rank()));
    }
    output_axes_ = c.attr_ints("scan_output_axes");
    return check_ports(c, "scan_output_axes", output_axes_.size(), out_.size());
  }

  // The type of an element of input `i`: `dropped` dimensions fewer (the batch and the sequence's).
  Result<TypeInfo> element_type(const InferContext& c, int i, int dropped, int axis) {
    TypeInfo type = c.type(i + first_);
    if (dropped == 0) return type;
    if (!type.is_tensor()) return error(Code::InvalidModel, "input %d is %s; a tensor is expected", i + first_, type.text().c_str());
    if (!type.has_rank) return type;
    if (type.shape.rank() < dropped || type.shape.rank() <= axis)
      return error(Code::InvalidModel, "input %d has shape %s; at least %d dimensions are expected", i + first_,
                   type.shape.text().c_str(), dropped);
    for (int d = 0; d < dropped; ++d) type.shape.erase(batched_ ? 0 : axis);
    return type;
  }

  Result<TypeInfo> whole_type(TypeInfo type, int o) {
    bool state = size_t(o) < states_;
    int added = (batched_ ? 1 : 0) + (state ? 0 : 1);
    if (!type.is_tensor() || !type.has_rank || added == 0) return type;
    if (type.shape.rank() + added > kMaxRank) return error(Code::UnsupportedOperator, "output %d has too many dimensions", o);
    if (!state && !batched_) {
      ENGINE_ASSIGN(int axis, output_axis(size_t(o) - states_, type.shape.rank() + 1));
      type.shape.insert(axis, kUnknownDim);
      return type;
    }
    for (int d = 0; d < added; ++d) type.shape.insert(0, kUnknownDim);
    return type;
  }

  Result<int> output_axis(size_t k, int rank) const { return normalize_axis(output_axes_.empty() ? 0 : output_axes_[k], rank); }

  // The length of the sequences, which all scan inputs must share.
  Result<int64_t> sequence_length(OpRun& r, bool batch) const {
    int64_t length = -1;
    for (size_t i = 0; i < in_.size(); ++i) {
      const Value* v = r.value(first_ + int(states_ + i));
      if (!v || v->kind != ValueKind::Tensor) return error(Code::InvalidInput, "scan input %zu is no tensor", i);
      int axis = batched_ ? (batch ? 0 : 1) : in_[i].axis;
      if (v->tensor.shape.rank() <= axis)
        return error(Code::InvalidInput, "scan input %zu has shape %s, without axis %d", i, v->tensor.shape.text().c_str(), axis);
      int64_t d = v->tensor.shape[axis];
      if (length >= 0 && d != length)
        return error(Code::InvalidInput, "scan inputs have sequences of %lld and %lld elements", (long long)length, (long long)d);
      length = d;
    }
    return length;
  }

  Status run_one(OpRun& r) const {
    ENGINE_ASSIGN(int64_t length, sequence_length(r, false));
    std::vector<ScanPort> outputs = out_;
    std::vector<Tensor> sources;
    for (size_t i = 0; i < in_.size(); ++i) sources.push_back(r.in(int(states_ + i)));
    std::vector<const Value*> initial;
    for (size_t s = 0; s < states_; ++s) initial.push_back(r.value(int(s)));
    std::vector<Tensor> wholes(outputs.size());
    auto place = [&](size_t k, const Tensor& slice) -> Result<Tensor> {
      ENGINE_ASSIGN(outputs[k].axis, output_axis(k, slice.shape.rank() + 1));
      if (slice.shape.rank() == kMaxRank) return error(Code::UnsupportedOperator, "scan output %zu has too many dimensions", k);
      Shape shape = slice.shape;
      shape.insert(outputs[k].axis, length);
      ENGINE_ASSIGN(wholes[k], r.make(slice.dtype, shape));
      return wholes[k];
    };
    ScanLoop loop(r, *body_, states_, in_, outputs);
    ENGINE_TRY(loop.run(sources, initial, length, place));
    for (size_t s = 0; s < states_; ++s) ENGINE_TRY(give_state(r, loop, s));
    for (size_t k = 0; k < outputs.size(); ++k) ENGINE_TRY(give_output(r, k, wholes[k], length));
    return {};
  }

  Status give_state(OpRun& r, ScanLoop& loop, size_t s) const {
    if (!r.wants(int(s))) return {};
    if (Value* last = loop.state(s)) {
      r.set(int(s), std::move(*last));
      return {};
    }
    const Value* initial = r.value(int(s) + first_);
    if (!initial) return error(Code::InvalidInput, "state %zu is missing", s);
    ENGINE_ASSIGN(Value v, r.own(*initial));
    r.set(int(s), std::move(v));
    return {};
  }

  Status give_output(OpRun& r, size_t k, Tensor& whole, int64_t length) const {
    int o = int(states_ + k);
    if (!r.wants(o)) return {};
    if (length == 0) {
      TypeInfo type = body_->output_type(o);
      ENGINE_ASSIGN(int axis, output_axis(k, (type.has_rank ? type.shape.rank() : 0) + 1));
      return r.allocate(o, type.dtype == DType::Undefined ? DType::Float : type.dtype, stacked_shape_of_type(type, axis, 0));
    }
    Value v;
    v.kind = ValueKind::Tensor;
    v.tensor = std::move(whole);
    r.set(o, std::move(v));
    return {};
  }

  Status run_batches(OpRun& r) const;

  bool batched_;
  int first_;  // the input that states begin at
  size_t states_ = 0;
  std::vector<ScanPort> in_, out_;
  std::vector<int64_t> output_axes_;
  Subprogram* body_ = nullptr;
};

// Row b of a tensor: memory of its own is not made.
Tensor row_of(const Tensor& whole, int64_t b) {
  Tensor row = whole;
  row.buffer = nullptr;
  row.shape.erase(0);
  row.data = whole.as<char>() + b * row.bytes();
  return row;
}

Status Scan::run_batches(OpRun& r) const {
  ENGINE_ASSIGN(int64_t batch, sequence_length(r, true));
  ENGINE_ASSIGN(int64_t longest, sequence_length(r, false));
  if (r.has(0) && r.in(0).elements() != batch)
    return error(Code::InvalidInput, "sequence_lens has %lld elements; %lld are expected", (long long)r.in(0).elements(), (long long)batch);
  for (size_t s = 0; s < states_; ++s)
    if (r.in(1 + int(s)).shape.rank() < 1 || r.in(1 + int(s)).shape[0] != batch)
      return error(Code::InvalidInput, "state %zu has shape %s; its first dimension must be %lld", s,
                   r.in(1 + int(s)).shape.text().c_str(), (long long)batch);

  std::vector<Tensor> wholes(states_ + out_.size());
  auto whole_for = [&](size_t o, const Tensor& part, int64_t length) -> Result<Tensor*> {
    if (!wholes[o].buffer) {
      if (part.shape.rank() + 2 > kMaxRank) return error(Code::UnsupportedOperator, "output %zu has too many dimensions", o);
      Shape shape = part.shape;
      if (o >= states_) shape.insert(0, length);
      shape.insert(0, batch);
      ENGINE_ASSIGN(wholes[o], r.make(part.dtype, shape));
      if (part.dtype != DType::String && wholes[o].bytes() > 0) ENGINE_TRY(r.clear(wholes[o]));
    }
    return &wholes[o];
  };
  ScanLoop loop(r, *body_, states_, in_, out_);
  std::vector<Value> rows(states_);
  std::vector<const Value*> initial(states_);
  std::vector<Tensor> sources(in_.size());
  for (int64_t b = 0; b < batch; ++b) {
    int64_t length = r.has(0) ? r.in<int64_t>(0)[b] : longest;
    if (length < 0 || length > longest)
      return error(Code::InvalidInput, "sequence_lens[%lld] is %lld; 0 to %lld are allowed", (long long)b, (long long)length, (long long)longest);
    for (size_t s = 0; s < states_; ++s) {
      rows[s].kind = ValueKind::Tensor;
      rows[s].tensor = row_of(r.in(1 + int(s)), b);
      initial[s] = &rows[s];
    }
    for (size_t i = 0; i < in_.size(); ++i) sources[i] = row_of(r.in(1 + int(states_ + i)), b);
    auto place = [&](size_t k, const Tensor& slice) -> Result<Tensor> {
      ENGINE_ASSIGN(Tensor * whole, whole_for(states_ + k, slice, longest));
      return row_of(*whole, b);
    };
    ENGINE_TRY(loop.run(sources, initial, length, place));
    for (size_t s = 0; s < states_; ++s) {
      const Value& last = loop.state(s) ? *loop.state(s) : rows[s];
      if (last.kind != ValueKind::Tensor) return error(Code::InvalidInput, "state %zu is no tensor", s);
      ENGINE_ASSIGN(Tensor * whole, whole_for(s, last.tensor, 0));
      Tensor row = row_of(*whole, b);
      if (row.dtype != last.tensor.dtype || !(row.shape == last.tensor.shape))
        return error(Code::InvalidInput, "state %zu has shape %s in one sequence and %s in another", s,
                     last.tensor.shape.text().c_str(), row.shape.text().c_str());
      ENGINE_TRY(r.copy(last.tensor, row.data));
    }
  }
  for (size_t o = 0; o < wholes.size(); ++o) {
    if (!r.wants(int(o))) continue;
    if (!wholes[o].buffer) {
      TypeInfo type = body_->output_type(int(o));
      Shape shape = o < states_ ? stacked_shape_of_type(type, 0, batch) : stacked_shape_of_type(type, 0, longest);
      if (o >= states_) shape.insert(0, batch);
      ENGINE_TRY(r.allocate(int(o), type.dtype == DType::Undefined ? DType::Float : type.dtype, shape));
      if (type.dtype != DType::String) ENGINE_TRY(r.clear(r.out(int(o))));
      continue;
    }
    Value v;
    v.kind = ValueKind::Tensor;
    v.tensor = std::move(wholes[o]);
    r.set(int(o), std::move(v));
  }
  return {};
}

struct BatchedScan final : Scan {
  BatchedScan() : Scan(true) {}
};
struct PlainScan final : Scan {
  PlainScan() : Scan(false) {}
};

}  // namespace

void op_scan(OpTable& t) {
  t.add<BatchedScan>("", "Scan", 8, 0, -1, 1, -1);  // input 0 may be left out
  for (int since : {9, 11, 16, 19, 21, 23, 24, 25}) t.add<PlainScan>("", "Scan", since, 1, -1, 1, -1);
}

}  // namespace engine
