// All that a binding may include.
#pragma once

#include "base/isa.h"
#include "plan/machine_peak.h"
#include "plan/step_cost.h"
#include "sched/cpus.h"
#include "service/async_call.h"
#include "service/call.h"
#include "service/loader.h"

namespace engine {

// The version of the core, as in pyproject.toml.
const char* version();

// What inspect shows of a plan: a line a step with the operator, the outputs' types and, with times, microseconds.
std::string describe_plan(const Plan& plan, const StepTimes* times = nullptr);

// A step of a run: its operator and node, its outputs' types, what it took and what it has to do.
struct StepReport {
  std::string op, node, outputs;
  int64_t ns = 0;
  StepCost cost;
};
std::vector<StepReport> report_steps(const Plan& plan, const StepTimes& times);

// measure_peak for callers without Result.
Status measure_peak_into(int threads, MachinePeak* peak);

}  // namespace engine
