#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <vector>

#include "kernels/reduce/plain.h"
#include "kernels/reduce/reduce.h"

namespace py = pybind11;
using namespace engine;

namespace {

using Floats = py::array_t<float, py::array::c_style>;

ReduceOp parse(const std::string& text) {
  for (int i = 0; i < kReduceOps; ++i)
    if (text == reduce_name(ReduceOp(i))) return ReduceOp(i);
  throw py::value_error("unknown reduction " + text);
}

Floats rows(const std::string& op, const Floats& x) {
  Floats y(x.shape(0));
  reduce_kernels().rows[int(parse(op))](x.data(), size_t(x.shape(0)), size_t(x.shape(1)), y.mutable_data());
  return y;
}

// Columns first .. last of a matrix, so that a test can cut them.
Floats columns(const std::string& op, const Floats& x, size_t first, size_t last) {
  Floats y(py::ssize_t(last - first));
  size_t n = size_t(x.shape(0)), stride = size_t(x.shape(1));
  reduce_kernels().columns[int(parse(op))](x.data() + first, n, stride, last - first, y.mutable_data());
  return y;
}

float combine(const std::string& op, const Floats& partial) {
  return reduce_kernels().combine[int(parse(op))](partial.data(), size_t(partial.size()));
}

Floats sum_exp_rows(const Floats& x, const Floats& shift) {
  Floats y(x.shape(0));
  reduce_kernels().sum_exp_rows(x.data(), shift.data(), size_t(x.shape(0)), size_t(x.shape(1)), y.mutable_data());
  return y;
}

Floats sum_exp_columns(const Floats& x, const Floats& shift) {
  Floats y(x.shape(1));
  size_t n = size_t(x.shape(0)), stride = size_t(x.shape(1));
  reduce_kernels().sum_exp_columns(x.data(), shift.data(), n, stride, stride, y.mutable_data());
  return y;
}

py::array_t<int64_t> arg_rows(bool max, const Floats& x, bool last) {
  py::array_t<int64_t> y(x.shape(0));
  const ReduceKernels& k = reduce_kernels();
  (max ? k.argmax_rows : k.argmin_rows)(x.data(), size_t(x.shape(0)), size_t(x.shape(1)), last, y.mutable_data());
  return y;
}

py::array_t<int64_t> arg_columns(bool max, const Floats& x, bool last) {
  py::array_t<int64_t> y(x.shape(1));
  const ReduceKernels& k = reduce_kernels();
  size_t n = size_t(x.shape(0)), stride = size_t(x.shape(1));
  (max ? k.argmax_columns : k.argmin_columns)(x.data(), n, stride, stride, last, y.mutable_data());
  return y;
}

template <class T>
void bind_plain(py::module_& m) {
  using Array = py::array_t<T, py::array::c_style>;
  m.def(
      "plain_rows",
      [](const std::string& op, const Array& x) {
        Array y(x.shape(0));
        plain::with_reduce(parse(op), [&]<template <class> class Op>() {
          plain::reduce_rows<Op>(x.data(), size_t(x.shape(0)), size_t(x.shape(1)), y.mutable_data());
        });
        return y;
      },
      py::arg("op"), py::arg("x").noconvert());
  m.def(
      "plain_columns",
      [](const std::string& op, const Array& x) {
        Array y(x.shape(1));
        size_t n = size_t(x.shape(0)), stride = size_t(x.shape(1));
        plain::with_reduce(parse(op), [&]<template <class> class Op>() {
          plain::reduce_columns<Op>(x.data(), n, stride, stride, y.mutable_data());
        });
        return y;
      },
      py::arg("op"), py::arg("x").noconvert());
  m.def(
      "plain_arg",
      [](bool max, const Array& x, bool last) {
        size_t n = size_t(x.size());
        return max ? plain::arg_extreme<true>(x.data(), n, 1, last) : plain::arg_extreme<false>(x.data(), n, 1, last);
      },
      py::arg("max"), py::arg("x").noconvert(), py::arg("last"));
}

}  // namespace

void bind_reduce(py::module_& parent) {
  py::module_ m = parent.def_submodule("reduce");
  m.attr("block") = kReduceBlock;
  m.def("ops", [] {
    std::vector<std::string> all;
    for (int i = 0; i < kReduceOps; ++i) all.emplace_back(reduce_name(ReduceOp(i)));
    return all;
  });
  m.def("rows", rows);
  m.def("columns", columns);
  m.def("combine", combine);
  m.def("sum_exp_rows", sum_exp_rows);
  m.def("sum_exp_columns", sum_exp_columns);
  m.def("arg_rows", arg_rows);
  m.def("arg_columns", arg_columns);
  bind_plain<float>(m);
  bind_plain<double>(m);
  bind_plain<int8_t>(m);
  bind_plain<uint8_t>(m);
  bind_plain<int32_t>(m);
  bind_plain<int64_t>(m);
}
