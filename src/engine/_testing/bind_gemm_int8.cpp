#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include "aligned_buffer.h"
#include "kernels/gemm/gemm_int8.h"

namespace py = pybind11;
using namespace engine;

namespace {

ByteType byte_type(const py::array& a) { return a.dtype().kind() == 'u' ? ByteType::u8 : ByteType::s8; }

// B packed by the tier that is active when it is made.
struct PackedBytes {
  int64_t k, n;
  ByteType type;
  AlignedBuffer data;
  explicit PackedBytes(const py::array& b) : k(b.shape(0)), n(b.shape(1)), type(byte_type(b)) {
    const GemmInt8Kernels& kernels = gemm_int8_kernels();
    data = aligned_buffer(kernels.packed_b_bytes(n, k));
    for (int64_t p = (n + kernels.blocking.panel - 1) / kernels.blocking.panel; p > 0; --p)
      kernels.pack_b(b.data(), type, b.strides(0), b.strides(1), n, k, p - 1, p, data.get());
  }
};

// A product whose operands stay alive and whose tiles are run one after the other.
struct Int8Call {
  const GemmInt8Kernels& kernels = gemm_int8_kernels();
  GemmInt8 g{};
  GemmTiling tiling{};
  AlignedBuffer scratch;
  py::list kept;
  py::dict options;

  Int8Call(const py::array& a, const py::object& b, py::array c, py::dict given) : options(given) {
    kept.append(c);
    kept.append(a);
    kept.append(b);
    g.m = a.shape(0), g.k = a.shape(1);
    g.a = a.data(), g.a_type = byte_type(a), g.a_row = a.strides(0), g.a_col = a.strides(1);
    set_b(b);
    g.c = c.mutable_data(), g.c_stride = c.strides(0) / c.itemsize();
    g.result = c.itemsize() == 1         ? (c.dtype().kind() == 'u' ? Int8Result::u8 : Int8Result::s8)
               : c.dtype().kind() == 'f' ? Int8Result::f32
                                         : Int8Result::s32;
    set_options();
    tiling = gemm_tiling(kernels.blocking, g.m, g.n, g.k, 1, true, !g.packed_b);
    if (int64_t t = integer("tile_m", 0)) tiling.tile_m = t, tiling.tiles_m = (g.m + t - 1) / t;
    if (int64_t t = integer("tile_n", 0)) tiling.tile_n = t, tiling.tiles_n = (g.n + t - 1) / t;
    if (int64_t t = integer("tile_k", 0)) tiling.tile_k = t, tiling.k_steps = (g.k + t - 1) / t;
    tiling.tiles = tiling.tiles_m * tiling.tiles_n;
    scratch =
        aligned_buffer(gemm_scratch_bytes(kernels.blocking, tiling.tile_m, tiling.tile_n, g.k, true, !g.packed_b));
  }

  void set_b(const py::object& b) {
    if (py::isinstance<PackedBytes>(b)) {
      const PackedBytes& packed = b.cast<const PackedBytes&>();
      g.n = packed.n, g.b_type = packed.type, g.packed_b = packed.data.get();
    } else {
      py::array plain = b.cast<py::array>();
      g.n = plain.shape(1), g.b = plain.data(), g.b_type = byte_type(plain);
      g.b_row = plain.strides(0), g.b_col = plain.strides(1);
    }
  }

  int32_t integer(const char* name, int32_t otherwise) {
    return options.contains(name) ? options[name].cast<int32_t>() : otherwise;
  }
  float number(const char* name, float otherwise) {
    return options.contains(name) ? options[name].cast<float>() : otherwise;
  }
  template <class T>
  const T* values(const char* name) {
    return options.contains(name) ? options[name].cast<py::array_t<T, 0>>().data() : nullptr;
  }

  void set_options() {
    g.a_zero = integer("a_zero", 0), g.b_zero = integer("b_zero", 0), g.c_zero = integer("c_zero", 0);
    g.c_low = integer("c_low", 0), g.c_high = integer("c_high", 0);
    g.a_zeros = values<int32_t>("a_zeros"), g.b_zeros = values<int32_t>("b_zeros"), g.bias = values<int32_t>("bias");
    g.scale = number("scale", 1), g.column_scales = values<float>("column_scales");
    g.row_scales = values<float>("row_scales"), g.float_bias = values<float>("float_bias");
    g.activation = Activation(integer("activation", 0));
    g.activation_a = number("activation_a", 0), g.activation_b = number("activation_b", 0);
  }

  py::object run(int times) {
    for (int r = 0; r < times; ++r)
      for (int64_t i = tiling.tiles - 1; i >= 0; --i)
        for (int64_t s = 0; s < tiling.k_steps; ++s) kernels.run(g, gemm_tile(tiling, i, s), scratch.get());
    return kept[0];
  }
};

}  // namespace

void bind_gemm_int8(py::module_& m) {
  m.def("gemm_int8_panel", [] { return gemm_int8_kernels().blocking.panel; });
  m.def("gemm_int8_tile_macs", [] { return gemm_int8_kernels().blocking.tile_macs; });
  py::class_<PackedBytes>(m, "GemmInt8PackedB").def(py::init<const py::array&>());
  py::class_<Int8Call>(m, "GemmInt8Call")
      .def(py::init([](const py::array& a, const py::object& b, const py::array& c, const py::kwargs& options) {
             return std::make_unique<Int8Call>(a, b, c, options);
           }),
           py::arg("a"), py::arg("b"), py::arg("c"))
      .def("run", &Int8Call::run, py::arg("times") = 1);
}
