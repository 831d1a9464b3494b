#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <limits>
#include <new>

#include "base/float16.h"
#include "kernels/blocked/blocked.h"
#include "kernels/pool/pool.h"
#include "kernels/pool/pool_generic.h"

namespace py = pybind11;
using namespace engine;

namespace {

using Floats = py::array_t<float, py::array::c_style>;
using Indices = py::array_t<int64_t, py::array::c_style>;

void copy3(const py::dict& d, const char* key, int64_t (&out)[3]) {
  auto v = d[key].cast<std::array<int64_t, 3>>();
  for (int i = 0; i < 3; ++i) out[i] = v[i];
}

PoolShape shape_of(const py::dict& d) {
  PoolShape s;
  s.n = d["n"].cast<int64_t>();
  s.channels = d["channels"].cast<int64_t>();
  copy3(d, "input", s.in);
  copy3(d, "output", s.out);
  copy3(d, "kernel", s.kernel);
  copy3(d, "stride", s.stride);
  copy3(d, "dilation", s.dilation);
  copy3(d, "pad_begin", s.pad_begin);
  copy3(d, "pad_end", s.pad_end);
  return s;
}

struct AlignedDelete {
  void operator()(char* p) const { ::operator delete(p, std::align_val_t(64)); }
};

class Plan {
 public:
  Plan(const py::dict& shape, const std::string& kind, const std::string& layout, bool count_pads)
      : shape_(shape_of(shape)), blocked_(layout == "blocked"), lanes_(blocked_kernels().lanes) {
    plan_ = make_pool_plan(shape_, kind == "max" ? PoolKind::max : PoolKind::average,
                           blocked_ ? ChannelLayout::blocked : ChannelLayout::plain, count_pads);
    scratch_.reset(static_cast<char*>(::operator new(plan_->scratch_bytes() + 1, std::align_val_t(64))));
  }
  size_t tiles() const { return plan_->tiles(); }

  Floats empty_output() const {
    std::vector<py::ssize_t> dims{shape_.n, shape_.channels, shape_.out[0], shape_.out[1], shape_.out[2]};
    if (blocked_) {
      dims[1] = py::ssize_t(channel_blocks(size_t(shape_.channels), size_t(lanes_)));
      dims.push_back(lanes_);
    }
    Floats y(dims);
    std::fill_n(y.mutable_data(), y.size(), std::numeric_limits<float>::quiet_NaN());
    return y;
  }
  Floats run_ranges(const Floats& x, const std::vector<std::pair<size_t, size_t>>& ranges) {
    Floats y = empty_output();
    for (auto [begin, end] : ranges) {
      std::fill_n(scratch_.get(), plan_->scratch_bytes(), char(0xff));
      plan_->run(x.data(), y.mutable_data(), begin, end, scratch_.get());
    }
    return y;
  }
  void run_into(const Floats& x, Floats& y) {
    py::gil_scoped_release release;
    plan_->run(x.data(), const_cast<float*>(y.data()), 0, plan_->tiles(), scratch_.get());
  }

 private:
  PoolShape shape_;
  bool blocked_;
  int lanes_;
  std::unique_ptr<const PoolPlan> plan_;
  std::unique_ptr<char, AlignedDelete> scratch_;
};

// Each plane in three uneven ranges, so that the ranges are tested too.
template <class F>
void each_range(const PoolShape& s, F f) {
  const int64_t pixels = s.out_pixels(), first = pixels / 3, second = pixels / 2;
  for (int64_t plane = 0; plane < s.n * s.channels; ++plane) {
    f(plane, 0, first);
    f(plane, first, second);
    f(plane, second, pixels);
  }
}

std::vector<py::ssize_t> output_dims(const PoolShape& s) {
  return {s.n, s.channels, s.out[0], s.out[1], s.out[2]};
}

// The bits of 16-bit floats travel as uint16 arrays.
template <class Storage, class T, class A>
void define_generic(py::module_& m, const std::string& type) {
  using Array = py::array_t<Storage, py::array::c_style>;
  m.def(("max_pool_generic_" + type).c_str(), [](const py::dict& shape, const Array& x, bool column_major) {
    const PoolShape s = shape_of(shape);
    Array y(output_dims(s));
    Indices at(output_dims(s));
    auto* out = reinterpret_cast<T*>(y.mutable_data());
    auto* in = reinterpret_cast<const T*>(x.data());
    each_range(s, [&](int64_t plane, int64_t begin, int64_t end) {
      max_pool_generic<T, A>(s, in + plane * s.in_pixels(), begin, end, out + plane * s.out_pixels(),
                             at.mutable_data() + plane * s.out_pixels(), plane * s.in_pixels(), column_major);
    });
    return py::make_tuple(y, at);
  });
  m.def(("average_pool_generic_" + type).c_str(), [](const py::dict& shape, const Array& x, bool count_pads) {
    const PoolShape s = shape_of(shape);
    Array y(output_dims(s));
    auto* out = reinterpret_cast<T*>(y.mutable_data());
    auto* in = reinterpret_cast<const T*>(x.data());
    each_range(s, [&](int64_t plane, int64_t begin, int64_t end) {
      average_pool_generic<T, A>(s, in + plane * s.in_pixels(), begin, end, count_pads, out + plane * s.out_pixels());
    });
    return y;
  });
}

template <class T>
void define_lp(py::module_& m, const std::string& type) {
  using Array = py::array_t<T, py::array::c_style>;
  m.def(("lp_pool_generic_" + type).c_str(), [](const py::dict& shape, const Array& x, int64_t p) {
    const PoolShape s = shape_of(shape);
    Array y(output_dims(s));
    each_range(s, [&](int64_t plane, int64_t begin, int64_t end) {
      lp_pool_generic<T, T>(s, x.data() + plane * s.in_pixels(), begin, end, p,
                            y.mutable_data() + plane * s.out_pixels());
    });
    return y;
  });
}

}  // namespace

void bind_pool(py::module_& m) {
  py::class_<Plan>(m, "PoolPlan")
      .def(py::init<const py::dict&, const std::string&, const std::string&, bool>(), py::arg("shape"),
           py::arg("kind"), py::arg("layout"), py::arg("count_pads") = false)
      .def_property_readonly("tiles", &Plan::tiles)
      .def("empty_output", &Plan::empty_output)
      .def("run_ranges", &Plan::run_ranges)
      .def("run_into", &Plan::run_into);
  define_generic<float, float, float>(m, "float32");
  define_generic<double, double, double>(m, "float64");
  define_generic<uint16_t, Half, float>(m, "float16");
  define_generic<uint16_t, BFloat16, float>(m, "bfloat16");
  define_generic<int8_t, int8_t, int32_t>(m, "int8");
  define_generic<uint8_t, uint8_t, int32_t>(m, "uint8");
  define_lp<float>(m, "float32");
  define_lp<double>(m, "float64");
}
