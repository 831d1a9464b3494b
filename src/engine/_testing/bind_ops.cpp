#include <pybind11/pybind11.h>

#include "ops/op.h"

namespace py = pybind11;

void bind_ops(py::module_& m) {
  m.def(
      "op_rows",
      [] {
        py::list rows;
        for (const engine::OpDef& def : engine::op_table().rows())
          rows.append(py::make_tuple(def.domain, def.name, def.since, def.min_inputs, def.max_inputs, def.min_outputs, def.max_outputs));
        return rows;
      },
      "The operator table: (domain, name, since, min_inputs, max_inputs, min_outputs, max_outputs) a row; a maximum of -1 is none.");
}
