#include "api/custom_definition.h"

#include <cstdio>

#include "api/custom_operator.h"

namespace engine {
namespace {

Code code_of(int32_t status) {
  switch (status) {
    case ENGINE_INVALID_MODEL: return Code::InvalidModel;
    case ENGINE_UNSUPPORTED: return Code::UnsupportedOperator;
    case ENGINE_INVALID_INPUT: return Code::InvalidInput;
    case ENGINE_OUT_OF_MEMORY: return Code::MemoryLimitExceeded;
    default: return Code::InternalError;
  }
}

}  // namespace

CustomDefinition::CustomDefinition(const EngineOperator& o, std::string from, std::string build)
    : AddedOperator(o.domain, o.name, std::move(from), o.since, o.until), op(o), identity(std::move(build)) {
  min_inputs = o.min_inputs;
  max_inputs = o.max_inputs;
  min_outputs = o.min_outputs;
  max_outputs = o.max_outputs;
  make = []() -> std::unique_ptr<Op> { return std::make_unique<CustomOperator>(); };
  flags = (o.flags & ENGINE_RANDOM ? kOpRandom : 0u) | (o.flags & ENGINE_NO_FOLD ? kOpNoFold : 0u);
}

DTypeSet CustomDefinition::input_dtypes(int i) const {
  return op.input_dtypes ? op.input_dtypes[op.max_inputs < 0 ? 0 : i] : dtypes::kAll;
}

Status custom_error(int32_t status, std::string_view message) {
  Code code = code_of(status);
  if (code != Code::InternalError || message.find(kFailureMark) != std::string_view::npos) return Status(code, message);
  return error(code, "%.*s%c", int(message.size()), message.data(), kFailureMark);
}

Status custom_outcome(const char* callback, int32_t returned, Status told) {
  if (!told.ok()) return told;
  if (returned == ENGINE_OK) return {};
  return custom_error(returned, format("%s returned %d and told no reason", callback, int(returned)));
}

std::string custom_text(const char* format, va_list args) noexcept {
  try {
    char text[1024];
    int n = std::vsnprintf(text, sizeof(text), format, args);
    return n < 0 ? std::string() : std::string(text);
  } catch (const std::bad_alloc&) {
    return {};
  }
}

EngineTensor custom_view(const Tensor* tensor) {
  EngineTensor view{};
  if (!tensor) return view;
  view.data = tensor->data;
  view.shape = tensor->shape.begin();
  view.elements = tensor->elements();
  view.rank = tensor->shape.rank();
  view.dtype = int32_t(tensor->dtype);
  return view;
}

}  // namespace engine
