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

Status adopt(Result<RefPtr<Model>> model, RefPtr<Model>* out) {
  if (!model.ok()) return std::move(model).status();
  *out = model.take();
  return {};
}

Status out_of_memory() { return error(Code::MemoryLimitExceeded, "the system refuses memory while loading"); }

}  // namespace

Status load_file(const std::string& path, const LoadOptions& options, RefPtr<Model>* out) {
  try {
    return adopt(Model::load_file(path, options), out);
  } catch (const std::bad_alloc&) {
    return out_of_memory();
  }
}

Status load_bytes(const char* bytes, int64_t size, const LoadOptions& options, RefPtr<Model>* out) {
  try {
    return adopt(Model::load_bytes(bytes, size_t(size), options), out);
  } catch (const std::bad_alloc&) {
    return out_of_memory();
  }
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

Value make_parts(ValueKind kind, std::vector<Value> items) {
  Value value;
  value.kind = kind;
  auto parts = std::make_shared<ValueParts>();
  parts->items = std::move(items);
  value.parts = std::move(parts);
  return value;
}

}  // namespace engine
