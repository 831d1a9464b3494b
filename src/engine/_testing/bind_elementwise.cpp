#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <vector>

#include "kernels/convert/convert.h"
#include "kernels/elementwise/elementwise.h"

namespace py = pybind11;
using namespace engine;

namespace {

constexpr const char* kTypes[] = {"f32", "f64", "f16", "bf16", "i8",  "i16",    "i32",
                                  "i64", "u8",  "u16", "u32",  "u64", "boolean"};

template <class Op>
std::vector<std::string> names(int count, const char* (*name)(Op)) {
  std::vector<std::string> all;
  for (int i = 0; i < count; ++i) all.emplace_back(name(Op(i)));
  return all;
}

template <class Op>
Op parse(const std::string& text, int count, const char* (*name)(Op)) {
  for (int i = 0; i < count; ++i)
    if (text == name(Op(i))) return Op(i);
  throw py::value_error("unknown operation " + text);
}

ElementType parse_type(const std::string& text) {
  for (int i = 0; i < kElementTypes; ++i)
    if (text == kTypes[i]) return ElementType(i);
  throw py::value_error("unknown element type " + text);
}

Broadcast parse_form(const py::array& a, const py::array& b) {
  if (a.ndim() == 0) return Broadcast::scalar_left;
  return b.ndim() == 0 ? Broadcast::scalar_right : Broadcast::none;
}

template <class Fn>
Fn require(Fn fn) {
  if (!fn) throw py::type_error("no such kernel");
  return fn;
}

void unary(const std::string& type, const std::string& op, const py::array& x, py::array y, float a, float b) {
  UnaryFn fn = require(unary_kernel(parse_type(type), parse(op, kUnaryOps, unary_name)));
  fn(x.data(), y.mutable_data(), size_t(y.size()), UnaryParams{a, b});
}

void predicate(const std::string& op, const py::array& x, py::array y) {
  UnaryFn fn = require(elementwise_kernels().predicate[int(parse(op, kPredicateOps, predicate_name))]);
  fn(x.data(), y.mutable_data(), size_t(y.size()), UnaryParams{});
}

void binary(const std::string& type, const std::string& op, const py::array& a, const py::array& b, py::array y) {
  BinaryFn fn = require(binary_kernel(parse_type(type), parse(op, kBinaryOps, binary_name), parse_form(a, b)));
  fn(a.data(), b.data(), y.mutable_data(), size_t(y.size()));
}

void compare(const std::string& type, const std::string& op, const py::array& a, const py::array& b, py::array y) {
  BinaryFn fn = require(compare_kernel(parse_type(type), parse(op, kCompareOps, compare_name), parse_form(a, b)));
  fn(a.data(), b.data(), y.mutable_data(), size_t(y.size()));
}

void select_by(const py::array& c, const py::array& a, const py::array& b, py::array y) {
  SelectFn fn = select_kernel(size_t(y.itemsize()), a.ndim() == 0, b.ndim() == 0);
  fn(static_cast<const uint8_t*>(c.data()), a.data(), b.data(), y.mutable_data(), size_t(y.size()));
}

void mul_add(const py::array_t<float>& x, const py::array_t<float>& scale, const py::array_t<float>& shift,
             py::array_t<float> y) {
  elementwise_kernels().mul_add(x.data(), scale.data(), shift.data(), y.mutable_data(), size_t(y.size()));
}

}  // namespace

void bind_elementwise(py::module_& parent) {
  py::module_ m = parent.def_submodule("elementwise");
  m.def("unary_ops", [] { return names(kUnaryOps, unary_name); });
  m.def("binary_ops", [] { return names(kBinaryOps, binary_name); });
  m.def("compare_ops", [] { return names(kCompareOps, compare_name); });
  m.def("predicate_ops", [] { return names(kPredicateOps, predicate_name); });
  m.def("element_types", [] { return std::vector<std::string>(kTypes, kTypes + kElementTypes); });
  m.def("unary", unary, py::arg("type"), py::arg("op"), py::arg("x"), py::arg("y"), py::arg("a") = 0.0f,
        py::arg("b") = 0.0f);
  m.def("predicate", predicate);
  m.def("binary", binary);
  m.def("compare", compare);
  m.def("select", select_by);
  m.def("mul_add", mul_add);
  m.def("convert", [](const std::string& from, const std::string& to, const py::array& x, py::array y) {
    convert_kernel(parse_type(from), parse_type(to))(x.data(), y.mutable_data(), size_t(y.size()));
  });
}
