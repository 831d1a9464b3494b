#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include "kernels/quant/quant.h"

namespace py = pybind11;
using namespace engine;

namespace {

using Floats = py::array_t<float, py::array::c_style>;

QuantScales scales_of(const Floats& scale, const py::object& zero, bool varies) {
  return {scale.data(), zero.is_none() ? nullptr : zero.cast<Floats>().data(), varies};
}

// y as quantize_i8 or quantize_u8 fills it, by its dtype.
void quantize(const Floats& x, const Floats& scale, const py::object& zero, bool varies, py::array y) {
  QuantScales s = scales_of(scale, zero, varies);
  if (y.dtype().kind() == 'i') quant_kernels().quantize_i8(x.data(), s, static_cast<int8_t*>(y.mutable_data()), size_t(y.size()));
  else quant_kernels().quantize_u8(x.data(), s, static_cast<uint8_t*>(y.mutable_data()), size_t(y.size()));
}

void dequantize(const py::array& x, const Floats& scale, const py::object& zero, bool varies, Floats y) {
  QuantScales s = scales_of(scale, zero, varies);
  if (x.dtype().kind() == 'i') quant_kernels().dequantize_i8(static_cast<const int8_t*>(x.data()), s, y.mutable_data(), size_t(y.size()));
  else quant_kernels().dequantize_u8(static_cast<const uint8_t*>(x.data()), s, y.mutable_data(), size_t(y.size()));
}

py::tuple extremes(const Floats& x, float low, float high) {
  quant_kernels().extremes(x.data(), size_t(x.size()), &low, &high);
  return py::make_tuple(low, high);
}

}  // namespace

void bind_quant(py::module_& m) {
  py::module_ quant = m.def_submodule("quant");
  quant.def("quantize", &quantize);
  quant.def("dequantize", &dequantize);
  quant.def("extremes", &extremes);
}
