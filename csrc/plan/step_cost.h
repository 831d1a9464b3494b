// What a step has to do at least, from the shapes of its plan: to be held against what a machine reaches.
#pragma once

#include "plan/plan.h"

namespace engine {

enum class Flops : uint8_t {
  Unknown,    // nobody has said what the operator takes
  Counted,    // a multiplication and an addition each for all products, as the definition of the operator has them
  Estimated,  // so many an element
};

// `bytes` are of all operands and results, each once: what goes through the caches at least.
struct StepCost {
  double flops = 0, bytes = 0;
  Flops known = Flops::Unknown;
  bool shapes_known = true;  // false: what only a run tells is left out
};

// Constants count as the model has them, not as they are packed.
StepCost step_cost(const Plan& plan, const Step& step);

}  // namespace engine
