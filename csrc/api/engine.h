// All that a binding may include.
#pragma once

#include "base/isa.h"
#include "sched/cpus.h"
#include "service/async_call.h"
#include "service/call.h"
#include "service/loader.h"

namespace engine {

// The version of the core, as in pyproject.toml.
const char* version();

// What inspect shows of a plan: a line a step with the operator, the outputs' types and, with times, microseconds.
std::string describe_plan(const Plan& plan, const StepTimes* times = nullptr);

}  // namespace engine
