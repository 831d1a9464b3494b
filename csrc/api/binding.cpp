#include "api/binding.h"

#include <cstring>
#include <new>

namespace engine {
namespace {

Shape shape_of(const int64_t* dims, int rank) {
  Shape shape;
  for (int i = 0; i < rank; ++i) shape.push_back(dims[i]);
  return shape;
}

}  // namespace

Status load_for(Service& service, const ModelSource& source, const LoadOptions& options, const WarmUp& warm_up, bool background,
                RefPtr<Model>* out) {
  ENGINE_ASSIGN(*out, load_for(service, source, options, warm_up, background));
  return {};
}

Status publish(Service& service, const RefPtr<Model>& model, bool allow_signature_change, int* version) try {
  ENGINE_ASSIGN(*version, service.publish(model, allow_signature_change, *version));
  return {};
} catch (const std::bad_alloc&) {
  return error(Code::MemoryLimitExceeded, "the system refuses memory while a version is made current");
}

Status rollback(Service& service, int* version) try {
  ENGINE_ASSIGN(*version, service.rollback());
  return {};
} catch (const std::bad_alloc&) {
  return error(Code::MemoryLimitExceeded, "the system refuses memory while a version is made current");
}

void add_warm_up_shape(WarmUp& warm_up, const std::string& name, const int64_t* dims, int rank) {
  warm_up.runs.back().emplace_back(name, shape_of(dims, rank));
}

Status make_string_tensor(const int64_t* dims, int rank, Value* out) {
  ENGINE_ASSIGN(out->tensor, make_tensor(DType::String, shape_of(dims, rank), nullptr, "an input"));
  out->kind = ValueKind::Tensor;
  return {};
}

void set_string(Value& value, int64_t i, const char* text, int64_t size) {
  value.tensor.as<std::string>()[i].assign(text, size_t(size));
}

const std::string& get_string(const Tensor& tensor, int64_t i) { return tensor.as<std::string>()[i]; }

Status copy_tensor(DType dtype, int rank, const int64_t* dims, const void* data, Value* out) {
  ENGINE_ASSIGN(out->tensor, make_tensor(dtype, shape_of(dims, rank), nullptr, "an input"));
  out->kind = ValueKind::Tensor;
  if (out->tensor.bytes() > 0) std::memcpy(out->tensor.data, data, size_t(out->tensor.bytes()));
  return {};
}

Value make_parts(ValueKind kind, std::vector<Value>& items) {
  Value value;
  value.kind = kind;
  auto parts = std::make_shared<ValueParts>();
  parts->items = std::move(items);
  value.parts = std::move(parts);
  return value;
}

}  // namespace engine
