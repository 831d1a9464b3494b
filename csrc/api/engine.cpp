#include "api/engine.h"

namespace engine {

const char* version() { return ENGINE_VERSION; }

std::string describe_plan(const Plan& plan, const StepTimes* times) {
  std::string out;
  for (size_t s = 0; s < plan.steps.size(); ++s) {
    const Step& step = plan.steps[s];
    const Node& node = plan.graph.nodes[size_t(step.node)];
    if (times) out += format("%10.1f us  ", double((*times)[s]) / 1e3);
    out += format("%-28s %-40s", node.full_op_type().c_str(), node.name.c_str());
    for (ValueId v : node.outputs)
      if (v >= 0) out += " " + plan.slots[size_t(v)].type.text();
    if (!step.op) out += " (prepared while running)";
    out += "\n";
  }
  return out;
}

}  // namespace engine
