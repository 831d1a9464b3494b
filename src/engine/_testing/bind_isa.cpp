#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "base/isa.h"

namespace py = pybind11;

void bind_isa(py::module_& m) {
  m.def("supported_isas", [] {
    std::vector<std::string> names;
    for (engine::Isa isa : engine::supported_isas()) names.emplace_back(engine::isa_name(isa));
    return names;
  });
  m.def("active_isa", [] { return std::string(engine::isa_name(engine::active_isa())); });
  m.def("force_isa", [](const std::string& name) {
    engine::Result<engine::Isa> isa = engine::isa_from_name(name);
    if (!isa.ok() || !engine::isa_supported(isa.value())) throw py::value_error("unsupported instruction set " + name);
    engine::force_isa(isa.value());
  });
}
