// Errors are values: a Status is null when fine and owns a code and a message otherwise.
// No function in csrc/ throws on purpose; api/ turns std::bad_alloc into a Status. Making a Status never throws: when there is no
// memory for its message, the message says that.
#pragma once

#include <cstdarg>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace engine {

enum class Code : unsigned char {
  Ok = 0,
#define ENGINE_STATUS(name, text) name,
#include "base/status_codes.inc"
#undef ENGINE_STATUS
};

// The code's name, as in the Python exception; "Ok" for Code::Ok.
const char* code_name(Code code);

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string_view message) noexcept;
  Status(Status&& o) noexcept : rep_(std::exchange(o.rep_, nullptr)) {}
  Status& operator=(Status&& o) noexcept {
    std::swap(rep_, o.rep_);
    return *this;
  }
  ~Status() {
    if (rep_) drop();
  }
  bool ok() const { return !rep_; }
  Code code() const { return rep_ ? rep_->code : Code::Ok; }
  // Empty when ok.
  const std::string& message() const;
  // The same code, with `context` + ": " before the message. A no-op when ok.
  Status with_context(std::string_view context) && noexcept;

 private:
  struct Rep {
    Code code;
    std::string message;
  };
  static const Rep* without_memory(Code code);
  void drop();
  const Rep* rep_ = nullptr;  // owned, or one of a few that are there from the start
};

// printf-style: error(Code::InvalidModel, "axis %d is out of range", axis).
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
Status error(Code code, const char* format, ...) noexcept;

std::string format(const char* format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 1, 2)))
#endif
    ;

// A value or the Status that says why there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : rep_(std::in_place_index<0>, std::move(value)) {}
  Result(Status status) : rep_(std::in_place_index<1>, std::move(status)) {}
  bool ok() const { return rep_.index() == 0; }
  // REQUIRES: ok().
  T& value() { return std::get<0>(rep_); }
  const T& value() const { return std::get<0>(rep_); }
  T take() { return std::move(std::get<0>(rep_)); }
  // REQUIRES: !ok().
  Status status() && { return std::move(std::get<1>(rep_)); }

 private:
  std::variant<T, Status> rep_;
};

}  // namespace engine

// Returns from the enclosing function when `expr` (a Status) is not ok.
#define ENGINE_TRY(expr)                                   \
  do {                                                     \
    ::engine::Status engine_try_status_ = (expr);          \
    if (!engine_try_status_.ok()) return engine_try_status_; \
  } while (0)

// ENGINE_ASSIGN(auto x, result_expr): declares x from a Result, or returns its Status.
#define ENGINE_ASSIGN(decl, expr) ENGINE_ASSIGN_(decl, expr, __LINE__)
#define ENGINE_ASSIGN_(decl, expr, line) ENGINE_ASSIGN__(decl, expr, line)
#define ENGINE_ASSIGN__(decl, expr, line)                            \
  auto engine_result_##line = (expr);                                \
  if (!engine_result_##line.ok()) return std::move(engine_result_##line).status(); \
  decl = engine_result_##line.take()
