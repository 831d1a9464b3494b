// Taking a library of operators in: everything that can be wrong with it is told before any model sees it.
#pragma once

#include <string>
#include <vector>

#include "api/custom_definition.h"

namespace engine {

using OperatorsFunction = const EngineLibrary* (*)();

// Registers all operators of the library whose engine_operators is `entry`, or none. The same library again: nothing happens.
// origin: for messages. identity: tells this build of it from others (a digest of its file). InvalidModel says what is wrong.
// The caller keeps the library loaded until the process ends, and does not register one library on two threads at once. Else thread-safe.
Status register_library(OperatorsFunction entry, const std::string& origin, const std::string& identity);

// Registers one operator, whose callbacks and user_data last until the process ends. replace: see add_operators.
Status register_operator(const EngineOperator& op, const std::string& origin, bool replace);

}  // namespace engine
