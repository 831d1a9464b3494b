#include "base/status.h"

#include <cstdio>
#include <new>

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

const Status::Rep* Status::without_memory(Code code) {
  static const Rep reps[] = {
      {Code::Ok, "out of memory"},
#define ENGINE_STATUS(name, text) {Code::name, "out of memory"},
#include "base/status_codes.inc"
#undef ENGINE_STATUS
  };
  return &reps[size_t(code)];
}

Status::Status(Code code, std::string_view message) noexcept {
  try {
    rep_ = new Rep{code, std::string(message)};
  } catch (const std::bad_alloc&) {
    rep_ = without_memory(code);
  }
}

void Status::drop() {
  if (rep_ != without_memory(rep_->code)) delete rep_;
}

const std::string& Status::message() const {
  static const std::string empty;
  return rep_ ? rep_->message : empty;
}

Status Status::with_context(std::string_view context) && noexcept {
  try {
    if (rep_) return Status(rep_->code, std::string(context).append(": ").append(rep_->message));
  } catch (const std::bad_alloc&) {
  }
  return std::move(*this);
}

std::string format(const char* format, ...) {
  va_list args;
  va_start(args, format);
  std::string text = vformat(format, args);
  va_end(args);
  return text;
}

static Status verror(Code code, const char* format, va_list args) noexcept {
  try {
    return Status(code, vformat(format, args));
  } catch (const std::bad_alloc&) {
    return Status(code, "out of memory");
  }
}

Status error(Code code, const char* format, ...) noexcept {
  va_list args;
  va_start(args, format);
  Status status = verror(code, format, args);
  va_end(args);
  return status;
}

}  // namespace engine
