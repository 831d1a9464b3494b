#include "ops/op.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

namespace engine {

Status Op::prepare(PrepareContext&) { return {}; }

InferContext::InferContext(const Node& node, std::span<const TypeInfo* const> inputs, std::span<const Tensor* const> values)
    : outputs(node.outputs.size()), node_(node), inputs_(inputs), values_(values) {}

const Attribute* InferContext::attribute(const char* name) const {
  return node_.attributes ? find_attribute(*node_.attributes, name) : nullptr;
}

int64_t InferContext::attr_int(const char* name, int64_t fallback) const {
  const Attribute* a = attribute(name);
  return a && !a->ints.empty() ? a->ints[0] : fallback;
}

float InferContext::attr_float(const char* name, float fallback) const {
  const Attribute* a = attribute(name);
  return a && !a->floats.empty() ? a->floats[0] : fallback;
}

std::string InferContext::attr_string(const char* name, const char* fallback) const {
  const Attribute* a = attribute(name);
  return a && !a->strings.empty() ? a->strings[0] : std::string(fallback);
}

std::vector<int64_t> InferContext::attr_ints(const char* name) const {
  const Attribute* a = attribute(name);
  return a ? a->ints : std::vector<int64_t>();
}

std::vector<float> InferContext::attr_floats(const char* name) const {
  const Attribute* a = attribute(name);
  return a ? a->floats : std::vector<float>();
}

std::vector<std::string> InferContext::attr_strings(const char* name) const {
  const Attribute* a = attribute(name);
  return a ? a->strings : std::vector<std::string>();
}

const Tensor* InferContext::attr_tensor(const char* name) const {
  const Attribute* a = attribute(name);
  return a && !a->tensors.empty() ? &a->tensors[0] : nullptr;
}

const TypeInfo* InferContext::attr_type(const char* name) const {
  const Attribute* a = attribute(name);
  return a && !a->types.empty() ? &a->types[0] : nullptr;
}

bool InferContext::all_known() const {
  for (int i = 0; i < input_count(); ++i)
    if (has_input(i) && type(i).is_tensor() && !known(i)) return false;
  return true;
}

std::vector<int64_t> InferContext::integers(int i) const {
  const Tensor& t = *value(i);
  std::vector<int64_t> out(static_cast<size_t>(t.elements()));
  for (size_t k = 0; k < out.size(); ++k) out[k] = integer_at(t, int64_t(k));
  return out;
}

Status InferContext::require(int i, DTypeSet allowed) const {
  if (!has_input(i)) return error(Code::InvalidModel, "input %d is missing", i);
  if (!type(i).is_tensor()) return error(Code::InvalidModel, "input %d is %s, not a tensor", i, type(i).text().c_str());
  if (!contains(allowed, dtype(i)))
    return error(Code::UnsupportedOperator, "input %d has dtype %s; supported are %s", i, dtype_name(dtype(i)),
                 dtype_set_names(allowed).c_str());
  return {};
}

Status InferContext::require_same(int i, int j) const {
  if (!has_input(i) || !has_input(j)) return error(Code::InvalidModel, "input %d is missing", has_input(i) ? j : i);
  if (dtype(i) != dtype(j))
    return error(Code::InvalidModel, "inputs %d and %d have dtypes %s and %s, which must be the same", i, j,
                 dtype_name(dtype(i)), dtype_name(dtype(j)));
  return {};
}

void InferContext::set(int o, TypeInfo type) {
  if (has_output(o)) outputs[size_t(o)].type = std::move(type);
}

void InferContext::set_at_run(int o) {
  if (has_output(o)) outputs[size_t(o)].at_run = true;
}

void InferContext::set_view(int o, int i, int64_t offset) {
  if (!has_output(o)) return;
  outputs[size_t(o)].view_of = i;
  outputs[size_t(o)].view_offset = offset;
}

void InferContext::set_value(int o, Tensor value) {
  if (!has_output(o)) return;
  outputs[size_t(o)].type = TypeInfo::tensor(value.dtype, value.shape);
  outputs[size_t(o)].value = std::make_shared<const Tensor>(std::move(value));
}

void InferContext::allow_in_place(int o, int i) {
  if (has_output(o)) outputs[size_t(o)].in_place.push_back(i);
}

Result<RefPtr<Buffer>> PrepareContext::pack_with(int i, std::span<const int> also, Packing packing) {
  std::vector<std::shared_ptr<const Tensor>> sources;
  auto add = [&](int position) {
    if (size_t(position) < constants_.size() && constants_[size_t(position)]) sources.push_back(constants_[size_t(position)]);
  };
  add(i);
  for (int position : also) add(position);
  if (cache_ && sources.size() == 1 + also.size()) {
    packing.sources = sources;
    return cache_->get(packing);
  }
  ENGINE_ASSIGN(RefPtr<Buffer> memory, allocate(packing.bytes));
  packing.fill(packing.arg, memory->data());
  return memory;
}

Result<RefPtr<Buffer>> PrepareContext::allocate(int64_t bytes) { return Buffer::allocate_lasting(bytes, account_, "packed constants"); }

Subprogram* PrepareContext::body(const char* name) const {
  for (const Body& b : node_.bodies)
    if (b.name == name) return b.program.get();
  return nullptr;
}

Status OpRun::allocate(int o, DType dtype, const Shape& shape) {
  ENGINE_ASSIGN(Tensor t, make(dtype, shape));
  outputs_[o]->kind = ValueKind::Tensor;
  outputs_[o]->tensor = std::move(t);
  return {};
}

Result<Tensor> OpRun::make(DType dtype, const Shape& shape) {
  RunControl& control = context_->control();
  GoOn go_on{[](void* c) { return static_cast<RunControl*>(c)->check(); }, &control};
  Result<Tensor> made = make_tensor(dtype, shape, account_, "a tensor of run time", go_on);
  if (!control.go()) return control.status();
  return made;
}

Result<Value> OpRun::own(const Value& value) {
  if (value.kind != ValueKind::Tensor || value.tensor.buffer) return Value(value);
  Value copy;
  copy.kind = ValueKind::Tensor;
  ENGINE_ASSIGN(copy.tensor, make(value.tensor.dtype, value.tensor.shape));
  ENGINE_TRY(this->copy(value.tensor, copy.tensor.data));
  return copy;
}

Status OpRun::clear(const Tensor& t) {
  return parallel(t.bytes(), 0.1, [&](int64_t begin, int64_t end, int) { std::memset(t.as<char>() + begin, 0, size_t(end - begin)); });
}

Status OpRun::copy(const Tensor& from, void* to) {
  return copy_rows(from.dtype, 1, from.elements(), from.data, 0, to, 0);
}

Status OpRun::copy_rows(DType dtype, int64_t rows, int64_t count, const void* from, int64_t from_step, void* to, int64_t to_step) {
  int64_t size = dtype_size(dtype);
  double ns = (dtype == DType::String ? 30 : 0.15 * double(size)) + 6 / double(std::max<int64_t>(count, 1));
  return parallel(rows * count, ns, [&](int64_t begin, int64_t end, int) {
    Tensor run;
    run.dtype = dtype;
    for (int64_t i = begin; i < end; i += run.shape[0]) {
      int64_t row = i / count, at = i % count;
      run.shape = Shape{std::min(count - at, end - i)};
      run.data = const_cast<char*>(static_cast<const char*>(from)) + (row * from_step + at) * size;
      copy_elements(run, static_cast<char*>(to) + (row * to_step + at) * size);
    }
  });
}

namespace {

// The bytes of every output whose shape is known must be a number.
Status check_sizes(const InferContext& context) {
  for (const InferContext::Output& o : context.outputs)
    if (o.type.static_shape()) {
      Result<int64_t> bytes = checked_bytes(o.type.shape, dtype_size(o.type.dtype));
      if (!bytes.ok()) return std::move(bytes).status();
    }
  return {};
}

}  // namespace

Status infer_node(InferContext& context, Op& op) {
  Status status = op.infer(context);
  if (status.ok()) status = check_sizes(context);
  return status.ok() ? Status() : std::move(status).with_context(context.node().label());
}

}  // namespace engine
