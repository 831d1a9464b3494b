#include "base/status.h"

#include <cstdio>

namespace engine {
namespace {

std::string vformat(const char* format, va_list args) {
  va_list copy;
  va_copy(copy, args);
  int n = std::vsnprintf(nullptr, 0, format, copy);
  va_end(copy);
  std::string text(n > 0 ? static_cast<size_t>(n) : 0, '\0');
  if (n > 0) std::vsnprintf(text.data(), text.size() + 1, format, args);
  return text;
}

}  // namespace

const char* code_name(Code code) {
  switch (code) {
    case Code::Ok:
      return "Ok";
#define ENGINE_STATUS(name, text) \
  case Code::name:                \
    return #name;
#include "base/status_codes.inc"
#undef ENGINE_STATUS
  }
  return "InternalError";
}

Status::Status(Code code, std::string message) : rep_(new Rep{code, std::move(message)}) {}

const std::string& Status::message() const {
  static const std::string empty;
  return rep_ ? rep_->message : empty;
}

Status Status::with_context(const std::string& context) && {
  if (rep_) rep_->message.insert(0, context + ": ");
  return std::move(*this);
}

std::string format(const char* format, ...) {
  va_list args;
  va_start(args, format);
  std::string text = vformat(format, args);
  va_end(args);
  return text;
}

Status error(Code code, const char* format, ...) {
  va_list args;
  va_start(args, format);
  std::string text = vformat(format, args);
  va_end(args);
  return Status(code, std::move(text));
}

}  // namespace engine
