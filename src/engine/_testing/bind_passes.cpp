#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "onnx/reader.h"
#include "passes/pass.h"

namespace py = pybind11;
using namespace engine;

namespace {

void check(Status status) {
  if (!status.ok()) throw py::value_error(status.message());
}

void collect(const Graph& graph, std::vector<std::string>* out) {
  for (const Node& node : graph.nodes) {
    out->push_back(node.full_op_type());
    for (const Body& body : node.bodies)
      if (body.graph) collect(*body.graph, out);
  }
}

// The operators of the model in a file after the passes of a level (0, 1, 2): those at load and, when `plan`, those of a plan
// (the inputs' shapes must be fixed).
std::vector<std::string> optimized_operators(const std::string& path, int level, bool plan) {
  Result<ModelFile> file = read_model(path, {});
  if (!file.ok()) check(std::move(file).status());
  Graph graph = std::move(file.value().graph);
  check(resolve(graph));
  PassContext context;
  context.level = Level(level);
  check(optimize(graph, context));
  context.specialised = true;
  if (plan) check(optimize(graph, context));
  std::vector<std::string> out;
  collect(graph, &out);
  return out;
}

}  // namespace

void bind_passes(py::module_& m) {
  m.def("optimized_operators", &optimized_operators, py::arg("path"), py::arg("level") = 2, py::arg("plan") = false);
}
