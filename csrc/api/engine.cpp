#include "api/engine.h"

namespace engine {

const char* version() { return ENGINE_VERSION; }

namespace {

std::string output_types(const Plan& plan, const Node& node) {
  std::string text;
  for (ValueId v : node.outputs)
    if (v >= 0) text += (text.empty() ? "" : " ") + plan.slots[size_t(v)].type.text();
  return text;
}

}  // namespace

std::string describe_plan(const Plan& plan, const StepTimes* times) {
  std::string out;
  for (size_t s = 0; s < plan.steps.size(); ++s) {
    const Step& step = plan.steps[s];
    const Node& node = plan.graph.nodes[size_t(step.node)];
    if (times) out += format("%10.1f us  ", double((*times)[s]) / 1e3);
    out += format("%-28s %-40s ", node.full_op_type().c_str(), node.name.c_str()) + output_types(plan, node);
    if (!step.op) out += " (prepared while running)";
    out += "\n";
  }
  return out;
}

std::vector<StepReport> report_steps(const Plan& plan, const StepTimes& times) {
  std::vector<StepReport> reports;
  for (size_t s = 0; s < plan.steps.size(); ++s) {
    const Node& node = plan.graph.nodes[size_t(plan.steps[s].node)];
    reports.push_back({node.full_op_type(), node.name, output_types(plan, node), times[s], step_cost(plan, plan.steps[s])});
  }
  return reports;
}

Status measure_peak_into(int threads, MachinePeak* peak) {
  ENGINE_ASSIGN(*peak, measure_peak(threads));
  return {};
}

}  // namespace engine
