#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include "aligned_buffer.h"
#include "kernels/gemm/gemm_typed.h"

namespace py = pybind11;
using namespace engine;

namespace {

// `T` is how Python sees the elements, `U` how the kernel does.
template <class T, class U>
py::array run(const GemmTypedKernel<U>& kernel, const py::array_t<T, 0>& a, const py::array_t<T, 0>& b,
              py::array_t<T, 0>& c, T alpha, T beta, const py::object& bias, int64_t tile_m, int64_t tile_n) {
  auto strides = [](const py::array& x, int axis) { return int64_t(x.strides(axis) / x.itemsize()); };
  GemmTyped<U> g{};
  g.m = a.shape(0), g.k = a.shape(1), g.n = b.shape(1);
  g.alpha = U(alpha), g.beta = U(beta);
  g.a = reinterpret_cast<const U*>(a.data()), g.a_row = strides(a, 0), g.a_col = strides(a, 1);
  g.b = reinterpret_cast<const U*>(b.data()), g.b_row = strides(b, 0), g.b_col = strides(b, 1);
  g.c = reinterpret_cast<U*>(c.mutable_data()), g.c_stride = strides(c, 0);
  if (!bias.is_none()) g.column_bias = reinterpret_cast<const U*>(bias.cast<py::array_t<T, 0>>().data());
  GemmTiling t = gemm_tiling(kernel.blocking, g.m, g.n, g.k, 1, false, true);
  if (tile_m) t.tile_m = tile_m, t.tiles_m = (g.m + tile_m - 1) / tile_m;
  if (tile_n) t.tile_n = tile_n, t.tiles_n = (g.n + tile_n - 1) / tile_n;
  AlignedBuffer scratch = aligned_buffer(gemm_scratch_bytes(kernel.blocking, t.tile_m, t.tile_n, g.k, false, true));
  for (int64_t i = 0; i < t.tiles_m * t.tiles_n; ++i)
    for (int64_t s = 0; s < t.k_steps; ++s) kernel.run(g, gemm_tile(t, i, s), scratch.get());
  return c;
}

template <class T, class U>
void bind_type(py::module_& m, GemmTypedKernel<U> GemmTypedKernels::*member) {
  m.def(
      "gemm_typed",
      [member](const py::array_t<T, 0>& a, const py::array_t<T, 0>& b, py::array_t<T, 0> c, T alpha, T beta,
               const py::object& bias, int64_t tile_m, int64_t tile_n) {
        return run<T, U>(gemm_typed_kernels().*member, a, b, c, alpha, beta, bias, tile_m, tile_n);
      },
      py::arg("a").noconvert(), py::arg("b").noconvert(), py::arg("c").noconvert(), py::arg("alpha") = T(1),
      py::arg("beta") = T(0), py::arg("column_bias") = py::none(), py::arg("tile_m") = 0, py::arg("tile_n") = 0);
}

}  // namespace

void bind_gemm_typed(py::module_& m) {
  bind_type<double>(m, &GemmTypedKernels::f64);
  bind_type<int32_t>(m, &GemmTypedKernels::u32);
  bind_type<uint32_t>(m, &GemmTypedKernels::u32);
  bind_type<int64_t>(m, &GemmTypedKernels::u64);
  bind_type<uint64_t>(m, &GemmTypedKernels::u64);
  m.def("gemm_typed_panels", [] {
    const GemmTypedKernels& k = gemm_typed_kernels();
    return py::make_tuple(k.f64.blocking.panel, k.u32.blocking.panel, k.u64.blocking.panel);
  });
}
