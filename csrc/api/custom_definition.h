// An operator of a user's library as a row of the registry, and the errors of its callbacks.
#pragma once

#include <cstdarg>
#if defined(__has_include)
#if __has_include(<cxxabi.h>)
#include <cxxabi.h>
#endif
#endif
#include <string>
#include <vector>

#include "api/custom_op.h"
#include "ops/added_operators.h"

// Before catch (...): a callback that takes the GIL while the interpreter exits may end its thread, and the C library unwinds it by
// an exception that nobody may keep.
#if defined(__GLIBCXX__)
#define ENGINE_CATCH_THREAD_END catch (const abi::__forced_unwind&) { throw; }
#else
#define ENGINE_CATCH_THREAD_END
#endif

namespace engine {

struct CustomDefinition final : AddedOperator {
  // op: checked (custom_library.h); what it points to must outlive the process's models. identity: tells this build of the library
  // from others, in names of packed forms.
  CustomDefinition(const EngineOperator& op, std::string origin, std::string identity);

  const EngineOperator op;
  const std::string identity;

  // The element types that input i may have.
  DTypeSet input_dtypes(int i) const;
};

// Ends the message of what an operator of a user's own failed with; the number of a Python exception may follow it.
inline constexpr char kFailureMark = '\x1e';

// The Status that stands for what a callback told. REQUIRES: status != ENGINE_OK.
Status custom_error(int32_t status, std::string_view message);

// A callback's end. returned: what it returned; told: what fail was told, if it was called. callback: its name.
Status custom_outcome(const char* callback, int32_t returned, Status told);

// As vsnprintf; short of memory the text is empty.
std::string custom_text(const char* format, va_list args) noexcept;

// A view of a tensor. `tensor` must outlive it. Null: left out.
EngineTensor custom_view(const Tensor* tensor);

// The functions that callbacks are handed.
const EngineApi& custom_api();

}  // namespace engine
