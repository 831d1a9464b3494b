#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>

#include "aligned_buffer.h"
#include "kernels/gemm/gemm.h"

namespace py = pybind11;
using namespace engine;

namespace {

using Buffer = AlignedBuffer;
using Floats = py::array_t<float, 0>;

int64_t step(const py::array& a, int axis) { return a.strides(axis) / a.itemsize(); }

GemmType source_type(const py::array& a) {
  if (a.dtype().kind() == 'f') return a.itemsize() == 2 ? GemmType::f16 : GemmType::f32;
  return GemmType::bf16;
}

// B packed by the tier that is active when it is made.
struct PackedB {
  int64_t k, n;
  Buffer data;
  PackedB(const py::array& b, bool backwards) : k(b.shape(0)), n(b.shape(1)) {
    const GemmKernels& kernels = gemm_kernels();
    data = aligned_buffer(kernels.packed_b_bytes(n, k));
    GemmSource source{b.data(), source_type(b), step(b, 0), step(b, 1)};
    int64_t panels = (n + kernels.blocking.panel - 1) / kernels.blocking.panel;
    if (!backwards) kernels.pack_b(source, n, k, 0, panels, data.get());
    for (int64_t p = panels; backwards && p > 0; --p) kernels.pack_b(source, n, k, p - 1, p, data.get());
  }
};

// A product whose operands stay alive and whose tiles are run one after the other.
struct GemmCall {
  const GemmKernels& kernels = gemm_kernels();
  GemmF32 g{};
  GemmTiling tiling{};
  Buffer scratch;
  py::list kept;

  GemmCall(const Floats& a, const py::object& b, const py::object& c, const py::dict& options) {
    g.m = a.shape(0), g.k = a.shape(1);
    g.a = a.data(), g.a_row = step(a, 0), g.a_col = step(a, 1);
    kept.append(a);
    set_b(b);
    Floats out = c.is_none() ? Floats({g.m, g.n}) : c.cast<Floats>();
    kept.append(out);
    g.c = const_cast<float*>(out.data()), g.c_stride = step(out, 0);
    g.alpha = number(options, "alpha", 1), g.beta = number(options, "beta", 0);
    if (options.contains("prefetches")) g.prefetches = options["prefetches"].cast<bool>();
    set_epilogue(options);
    bool pack_a = g.a_col != 1, pack_b = !g.packed_b;
    tiling = gemm_tiling(kernels.blocking, g.m, g.n, g.k, int(number(options, "workers", 1)), pack_a, pack_b);
    cut(int64_t(number(options, "tile_m", 0)), int64_t(number(options, "tile_n", 0)),
        int64_t(number(options, "tile_k", 0)));
    tiling.scratch_bytes = gemm_scratch_bytes(kernels.blocking, tiling.tile_m, tiling.tile_n, g.k, pack_a, pack_b);
    scratch = aligned_buffer(tiling.scratch_bytes);
  }

  void set_b(const py::object& b) {
    if (py::isinstance<PackedB>(b)) {
      const PackedB& packed = b.cast<const PackedB&>();
      g.n = packed.n, g.packed_b = packed.data.get();
    } else {
      Floats plain = b.cast<Floats>();
      g.n = plain.shape(1), g.b = plain.data(), g.b_row = step(plain, 0), g.b_col = step(plain, 1);
    }
    kept.append(b);
  }

  static float number(const py::dict& options, const char* name, float otherwise) {
    return options.contains(name) ? options[name].cast<float>() : otherwise;
  }

  const float* floats(const py::dict& options, const char* name) {
    if (!options.contains(name)) return nullptr;
    Floats array = options[name].cast<Floats>();
    kept.append(array);
    return array.data();
  }

  void set_epilogue(const py::dict& options) {
    GemmEpilogue& e = g.epilogue;
    e.column_bias = floats(options, "column_bias");
    e.row_bias = floats(options, "row_bias");
    e.residual = floats(options, "residual");
    if (e.residual) e.residual_stride = step(options["residual"].cast<Floats>(), 0);
    e.activation = Activation(int(number(options, "activation", 0)));
    e.activation_a = number(options, "activation_a", 0), e.activation_b = number(options, "activation_b", 0);
    if (options.contains("negate") && options["negate"].cast<bool>())
      e.row_fn = [](float* row, int64_t n, int64_t column, const void*) {
        for (int64_t j = 0; j < n; ++j) row[j] = -row[j] + float(column + j);
      };
  }

  void cut(int64_t tile_m, int64_t tile_n, int64_t tile_k) {
    if (tile_m) tiling.tile_m = tile_m, tiling.tiles_m = (g.m + tile_m - 1) / tile_m;
    if (tile_n) tiling.tile_n = tile_n, tiling.tiles_n = (g.n + tile_n - 1) / tile_n;
    if (tile_k) tiling.tile_k = tile_k, tiling.k_steps = (g.k + tile_k - 1) / tile_k;
    tiling.tiles = tiling.tiles_m * tiling.tiles_n;
  }

  py::object run(int times, bool backwards) {
    for (int r = 0; r < times; ++r)
      for (int64_t i = 0; i < tiling.tiles; ++i)
        for (int64_t s = 0; s < tiling.k_steps; ++s)
          kernels.run(g, gemm_tile(tiling, backwards ? tiling.tiles - 1 - i : i, s), scratch.get());
    return kept[2];
  }
};

py::dict blocking_as_dict() {
  const GemmBlocking& b = gemm_kernels().blocking;
  py::dict d;
  d["rows"] = b.rows, d["panel"] = b.panel, d["tile_macs"] = b.tile_macs;
  return d;
}

py::dict tiling_as_dict(int64_t m, int64_t n, int64_t k, int workers, bool pack_a, bool pack_b) {
  GemmTiling t = gemm_tiling(gemm_kernels().blocking, m, n, k, workers, pack_a, pack_b);
  py::dict d;
  d["tile_m"] = t.tile_m, d["tile_n"] = t.tile_n, d["tile_k"] = t.tile_k, d["tiles"] = t.tiles;
  d["k_steps"] = t.k_steps, d["scratch_bytes"] = t.scratch_bytes;
  py::list tiles;
  for (int64_t i = 0; i < t.tiles; ++i)
    for (int64_t s = 0; s < t.k_steps; ++s) {
      GemmTile tile = gemm_tile(t, i, s);
      tiles.append(py::make_tuple(tile.m0, tile.m1, tile.n0, tile.n1, tile.k0, tile.k1));
    }
  d["ranges"] = tiles;
  return d;
}

}  // namespace

void bind_gemm(py::module_& m) {
  py::enum_<Activation>(m, "Activation")
      .value("none", Activation::none)
      .value("relu", Activation::relu)
      .value("leaky_relu", Activation::leaky_relu)
      .value("sigmoid", Activation::sigmoid)
      .value("tanh", Activation::tanh)
      .value("clip", Activation::clip)
      .value("gelu_erf", Activation::gelu_erf)
      .value("gelu_tanh", Activation::gelu_tanh)
      .value("silu", Activation::silu)
      .value("hard_sigmoid", Activation::hard_sigmoid)
      .value("hard_swish", Activation::hard_swish);
  m.def("activate", [](Activation f, float x, float a, float b) { return activate(f, x, a, b); });
  m.def("gemm_blocking", blocking_as_dict);
  m.def("gemm_k_block", gemm_k_block);
  m.def("gemm_tiling", tiling_as_dict, py::arg("m"), py::arg("n"), py::arg("k"), py::arg("workers") = 1,
        py::arg("pack_a") = false, py::arg("pack_b") = false);
  py::class_<PackedB>(m, "GemmPackedB")
      .def(py::init<const py::array&, bool>(), py::arg("b"), py::arg("backwards") = false);
  py::class_<GemmCall>(m, "GemmCall")
      .def(py::init([](const Floats& a, const py::object& b, const py::object& c, const py::kwargs& options) {
             return std::make_unique<GemmCall>(a, b, c, options);
           }),
           py::arg("a"), py::arg("b"), py::arg("c") = py::none())
      .def("run", &GemmCall::run, py::arg("times") = 1, py::arg("backwards") = false);
}
