#include "ops/op_evaluate.h"

namespace engine {
namespace {

bool same_type(const TypeInfo& a, const TypeInfo& b) {
  return a.kind == b.kind && a.dtype == b.dtype && a.key == b.key && a.has_rank == b.has_rank && (!a.has_rank || a.shape == b.shape);
}

}  // namespace

Result<std::vector<TypeInfo>> CompiledBodies::infer_body(const Node& node, const char* name, std::span<const TypeInfo>) {
  for (const Body& body : node.bodies) {
    if (body.name != name || !body.program) continue;
    std::vector<TypeInfo> types;
    for (int i = 0; i < body.program->outputs(); ++i) types.push_back(body.program->output_type(i));
    return types;
  }
  return error(Code::InternalError, "the body '%s' is not compiled", name);
}

TypeInfo type_of(const Value& value) {
  switch (value.kind) {
    case ValueKind::Tensor: return TypeInfo::tensor(value.tensor.dtype, value.tensor.shape);
    case ValueKind::Sequence: return TypeInfo::sequence(value.parts && !value.parts->items.empty() ? type_of(value.parts->items[0]) : TypeInfo());
    case ValueKind::Map: return TypeInfo::map(value.parts->items[0].tensor.dtype, value.parts->items[1].tensor.dtype);
    case ValueKind::None: return TypeInfo::optional({});
  }
  return {};
}

bool PreparedNode::fits(std::span<const Value* const> inputs) const {
  if (!op_ || types_.size() != inputs.size()) return false;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i]) {
      if (types_[i].kind != TypeKind::Unknown) return false;
      continue;
    }
    if (inputs[i]->kind != ValueKind::Tensor || !same_type(types_[i], type_of(*inputs[i]))) return false;
    if ((reads_ >> (i & 63)) & 1 && !(values_read_[i].data && same_tensor(values_read_[i], inputs[i]->tensor))) return false;
  }
  return true;
}

Status PreparedNode::prepare(const Node& node, std::span<const Value* const> inputs, RunContext& context, const Surroundings& around) {
  size_t n = inputs.size();
  types_.assign(n, TypeInfo());
  values_read_.assign(n, Tensor());
  std::vector<const TypeInfo*> types(n, nullptr);
  std::vector<const Tensor*> values(n, nullptr);
  for (size_t i = 0; i < n; ++i) {
    if (!inputs[i]) continue;
    types_[i] = type_of(*inputs[i]);
    types[i] = &types_[i];
    if (inputs[i]->kind == ValueKind::Tensor) values[i] = &inputs[i]->tensor;
  }
  op_ = node.def->make();
  InferContext infer(node, types, values);
  CompiledBodies bodies;
  infer.bodies_ = &bodies;
  ENGINE_TRY(op_->infer(infer));
  outputs_ = infer.outputs;
  reads_ = infer.value_reads();

  std::vector<const Tensor*> constants(n, nullptr);
  for (size_t i = 0; i < n && i < around.constants.size(); ++i) constants[i] = around.constants[i].get();
  PrepareContext prepare(node, types, constants);
  prepare.bodies_ = &bodies;
  prepare.cache_ = around.cache;
  prepare.account_ = around.account;
  prepare.constants_ = around.constants;
  prepare.threads_ = around.threads;
  for (const InferContext::Output& o : outputs_) prepare.output_types_.push_back(o.type);
  ENGINE_TRY(op_->prepare(prepare));

  OpRun copier;
  copier.context_ = &context;
  for (size_t i = 0; i < n; ++i) {
    if (!((reads_ >> (i & 63)) & 1) || !values[i]) continue;
    ENGINE_ASSIGN(values_read_[i], make_tensor(values[i]->dtype, values[i]->shape, around.account, "a shape operand"));
    ENGINE_TRY(copier.copy(*values[i], values_read_[i].data));
  }
  scratch_per_worker_ = (prepare.scratch_ + 63) / 64 * 64;
  scratch_ = nullptr;
  shared_scratch_ = nullptr;
  if (scratch_per_worker_ > 0) {
    ENGINE_ASSIGN(scratch_, Buffer::allocate(scratch_per_worker_ * around.threads, around.account, "scratch memory"));
  }
  if (prepare.shared_scratch_ > 0) {
    ENGINE_ASSIGN(shared_scratch_, Buffer::allocate(prepare.shared_scratch_, around.account, "scratch memory"));
  }
  return {};
}

Status PreparedNode::place_outputs(std::span<const Value* const> inputs, std::span<Value* const> outputs, RunContext& context,
                                   const Surroundings& around, bool* run_needed) {
  *run_needed = false;
  OpRun copier;
  copier.context_ = &context;
  copier.account_ = around.account;
  for (size_t o = 0; o < outputs.size(); ++o) {
    if (!outputs[o]) continue;
    const InferContext::Output& told = outputs_[o];
    Value& out = *outputs[o];
    if (told.at_run || !told.type.is_tensor()) {
      out = Value();
      *run_needed = true;
      continue;
    }
    if (!told.type.static_shape()) return error(Code::InternalError, "output %d has no shape although every input is known", int(o));
    ENGINE_ASSIGN(int64_t bytes, checked_bytes(told.type.shape, dtype_size(told.type.dtype)));
    bool bound = out.tensor.data && !out.tensor.buffer && out.tensor.dtype == told.type.dtype && out.tensor.shape == told.type.shape;
    const Tensor* source = told.view_of >= 0 ? &inputs[size_t(told.view_of)]->tensor : nullptr;
    bool shares = source && source->buffer && !bound && told.type.dtype != DType::String;
    if (shares) {
      out.tensor.data = static_cast<char*>(source->data) + told.view_offset;
      out.tensor.buffer = source->buffer;
    } else if (!bound) {
      ENGINE_ASSIGN(out.tensor, copier.make(told.type.dtype, told.type.shape));
    }
    out.kind = ValueKind::Tensor;
    out.tensor.dtype = told.type.dtype;
    out.tensor.shape = told.type.shape;
    out.parts.reset();
    if (!source) *run_needed = true;
    else if (!shares) {
      Tensor window = out.tensor;
      window.data = static_cast<char*>(source->data) + told.view_offset;
      if (bytes > 0) ENGINE_TRY(copier.copy(window, out.tensor.data));
    }
  }
  return {};
}

Status PreparedNode::run(const Node& node, std::span<const Value* const> inputs, std::span<Value* const> outputs, RunContext& context,
                         const Surroundings& around) {
  if (!fits(inputs)) {
    Status status = prepare(node, inputs, context, around);
    if (!status.ok()) {
      op_.reset();
      return std::move(status).with_context(node.label());
    }
  }
  bool run_needed = false;
  Status status = place_outputs(inputs, outputs, context, around, &run_needed);
  if (!status.ok()) return std::move(status).with_context(node.label());
  if (!run_needed) return {};
  RunContext own(context.control(), context.threads(), scratch_ ? scratch_->data() : nullptr, scratch_per_worker_);
  OpRun r;
  r.inputs_ = inputs.data();
  r.outputs_ = outputs.data();
  r.input_count_ = int(inputs.size());
  r.output_count_ = int(outputs.size());
  r.captures_ = node.captures;
  r.context_ = &own;
  r.account_ = around.account;
  r.random_allowed_ = around.allow_random;
  r.shared_scratch_ = shared_scratch_ ? shared_scratch_->data() : nullptr;
  status = op_->run(r);
  return status.ok() ? Status() : std::move(status).with_context(node.label());
}

}  // namespace engine
