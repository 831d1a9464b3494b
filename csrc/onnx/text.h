// Text from a file: shown in messages, checked where it becomes a name.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace engine::onnx {

// Raw bytes of the file; also its strings. Never owns.
using Bytes = std::string_view;

// Safe in any message: control characters and broken UTF-8 escaped, cut when long. quoted: between single quotes.
std::string shown(Bytes text);
std::string quoted(Bytes text);

bool valid_utf8(Bytes text);

}  // namespace engine::onnx

// Returns from the enclosing function when `expr` (a Status) is not ok, with `context` (evaluated only then) before the
// message.
#define ENGINE_TRY_IN(expr, context)                                                          \
  do {                                                                                        \
    ::engine::Status engine_try_status_ = (expr);                                             \
    if (!engine_try_status_.ok()) return std::move(engine_try_status_).with_context(context); \
  } while (0)
