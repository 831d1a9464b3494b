#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>

#include "kernels/norm/norm.h"

namespace py = pybind11;
using namespace engine;

namespace {

using Floats = py::array_t<float, py::array::c_style>;
using Optional = std::optional<Floats>;

const float* data(const Optional& a) { return a ? a->data() : nullptr; }
float* mutable_data(Optional& a) { return a ? a->mutable_data() : nullptr; }

NormRows rows(const Floats& x, Floats& y, float epsilon, const Optional& scale, const Optional& bias,
              const Optional& residual, const Optional& residual_bias, Optional& sum, Optional& mean,
              Optional& inv_std) {
  NormRows args{x.data(), y.mutable_data(), size_t(x.shape(0)), size_t(x.shape(1)), epsilon};
  args.scale = data(scale);
  args.bias = data(bias);
  args.residual = data(residual);
  args.residual_bias = data(residual_bias);
  args.sum = mutable_data(sum);
  args.mean = mutable_data(mean);
  args.inv_std = mutable_data(inv_std);
  return args;
}

template <class Fn>
void bind_rows(py::module_& m, const char* name, Fn run) {
  m.def(
      name,
      [run](const Floats& x, Floats& y, float epsilon, const Optional& scale, const Optional& bias,
            const Optional& residual, const Optional& residual_bias, Optional sum, Optional mean,
            Optional inv_std) { run(rows(x, y, epsilon, scale, bias, residual, residual_bias, sum, mean, inv_std)); },
      py::arg("x"), py::arg("y"), py::arg("epsilon"), py::arg("scale") = py::none(), py::arg("bias") = py::none(),
      py::arg("residual") = py::none(), py::arg("residual_bias") = py::none(), py::arg("sum") = py::none(),
      py::arg("mean") = py::none(), py::arg("inv_std") = py::none());
}

template <class Fn>
void bind_scale_shift(py::module_& m, const char* name, bool last, Fn run) {
  m.def(
      name,
      [run, last](const Floats& x, Floats& y, const Optional& mean, const Optional& scale, const Optional& shift) {
        size_t outer = size_t(x.shape(0)), inner = size_t(x.shape(1));
        run(ScaleShift{x.data(), y.mutable_data(), last ? inner : outer, last ? outer : inner, data(mean), data(scale),
                       data(shift)});
      },
      py::arg("x"), py::arg("y"), py::arg("mean") = py::none(), py::arg("scale") = py::none(),
      py::arg("shift") = py::none());
}

}  // namespace

void bind_norm(py::module_& parent) {
  py::module_ m = parent.def_submodule("norm");
  m.attr("block") = kNormBlock;
  bind_rows(m, "layer_norm", [](const NormRows& args) { norm_kernels().layer_norm(args); });
  bind_rows(m, "rms_norm", [](const NormRows& args) { norm_kernels().rms_norm(args); });
  m.def("moments", [](const Floats& x, float epsilon) {
    Floats mean(x.shape(0)), inv_std(x.shape(0));
    norm_kernels().moments(x.data(), size_t(x.shape(0)), size_t(x.shape(1)), epsilon, mean.mutable_data(),
                           inv_std.mutable_data());
    return py::make_tuple(mean, inv_std);
  });
  bind_scale_shift(m, "scale_shift", false, [](const ScaleShift& args) { norm_kernels().scale_shift(args); });
  bind_scale_shift(m, "scale_shift_last", true, [](const ScaleShift& args) { norm_kernels().scale_shift_last(args); });
}
