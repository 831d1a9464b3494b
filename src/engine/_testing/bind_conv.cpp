#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <limits>
#include <new>
#include <optional>
#include <tuple>

#include "kernels/blocked/blocked.h"
#include "kernels/conv/conv.h"
#include "kernels/conv/conv_depthwise.h"
#include "kernels/conv/plans.h"
#include "kernels/conv/reference.h"
#include "kernels/conv/winograd_form.h"

namespace py = pybind11;
using namespace engine;

namespace {

using Floats = py::array_t<float, py::array::c_style>;
using Three = std::array<int64_t, 3>;

// An array of NaN whose data is aligned as the engine's own tensors are.
Floats new_array(const std::vector<py::ssize_t>& dims) {
  size_t count = 1;
  for (py::ssize_t d : dims) count *= size_t(d);
  auto* data = static_cast<float*>(::operator new(count * sizeof(float) + 1, std::align_val_t(64)));
  std::fill_n(data, count, std::numeric_limits<float>::quiet_NaN());
  py::capsule owner(data, [](void* p) { ::operator delete(p, std::align_val_t(64)); });
  return Floats(dims, data, owner);
}

void copy3(const py::dict& d, const char* key, int64_t (&out)[3]) {
  Three v = d[key].cast<Three>();
  for (int i = 0; i < 3; ++i) out[i] = v[i];
}

ConvShape shape_of(const py::dict& d) {
  ConvShape s;
  s.n = d["n"].cast<int64_t>();
  s.c_in = d["c_in"].cast<int64_t>();
  s.c_out = d["c_out"].cast<int64_t>();
  s.groups = d["groups"].cast<int64_t>();
  s.transposed = d["transposed"].cast<bool>();
  copy3(d, "input", s.in);
  copy3(d, "output", s.out);
  copy3(d, "kernel", s.kernel);
  copy3(d, "stride", s.stride);
  copy3(d, "dilation", s.dilation);
  copy3(d, "pad_begin", s.pad_begin);
  return s;
}

ChannelLayout layout_of(const std::string& name) {
  return name == "blocked" ? ChannelLayout::blocked : ChannelLayout::plain;
}

const float* pointer(const std::optional<Floats>& a) { return a ? a->data() : nullptr; }

struct AlignedDelete {
  void operator()(char* p) const { ::operator delete(p, std::align_val_t(64)); }
};
using Scratch = std::unique_ptr<char, AlignedDelete>;

class Plan {
 public:
  // form: of Winograd's, by the products along the inner axis; 0: as make_conv_plan chooses, -1: direct.
  Plan(const py::dict& shape, const std::string& input, const std::string& output, int activation, float alpha,
       float beta, int form)
      : shape_(shape_of(shape)), output_(layout_of(output)), lanes_(blocked_kernels().lanes) {
    const ConvEpilogue epilogue{Activation(activation), alpha, beta};
    if (form < 0) plan_ = make_direct_plan(shape_, layout_of(input), epilogue);
    if (form == 0) plan_ = make_conv_plan(shape_, layout_of(input), output_, epilogue);
    for (const WinogradForm& f : winograd_forms(shape_))
      if (f.points[1] == form) plan_ = make_winograd_plan(shape_, f, epilogue);
    if (!plan_) throw py::value_error("no such form");
    shared_ = Scratch(static_cast<char*>(::operator new(plan_->shared_bytes() + 1, std::align_val_t(64))));
    scratch_ = Scratch(static_cast<char*>(::operator new(plan_->scratch_bytes() + 1, std::align_val_t(64))));
  }

  std::string algorithm() const { return conv_algorithm_name(plan_->algorithm()); }
  std::string packing_key() const { return plan_->packing_key(); }
  size_t stages() const { return plan_->stages(); }
  size_t tiles(size_t stage) const { return plan_->tiles(stage); }
  size_t scratch_bytes() const { return plan_->scratch_bytes(); }

  // The weight and the bias are kept for runs.
  Floats pack(const Floats& weight, const std::optional<Floats>& bias, bool backwards) {
    weight_ = weight;
    bias_ = bias;
    Floats packed = new_array({py::ssize_t(plan_->packed_floats())});
    const size_t items = plan_->pack_items();
    if (!backwards) plan_->pack(weight.data(), pointer(bias), packed.mutable_data(), 0, items);
    for (size_t i = items; backwards && i-- > 0;)
      plan_->pack(weight.data(), pointer(bias), packed.mutable_data(), i, i + 1);
    return packed;
  }

  Floats empty_output() const {
    std::vector<py::ssize_t> dims{shape_.n, shape_.c_out, shape_.out[0], shape_.out[1], shape_.out[2]};
    if (output_ == ChannelLayout::blocked) {
      dims[1] = py::ssize_t(channel_blocks(size_t(shape_.c_out), size_t(lanes_)));
      dims.push_back(lanes_);
    }
    return new_array(dims);
  }

  void run_into(const Floats& x, const Floats& packed, const std::optional<Floats>& residual, Floats& y) {
    const ConvTensors tensors = tensors_of(x, packed, residual, const_cast<float*>(y.data()));
    py::gil_scoped_release release;
    for (size_t stage = 0; stage < plan_->stages(); ++stage)
      plan_->run(tensors, stage, 0, plan_->tiles(stage), scratch_.get());
  }

  Floats run_ranges(const Floats& x, const Floats& packed, const std::optional<Floats>& residual,
                    const std::vector<std::vector<std::pair<size_t, size_t>>>& ranges) {
    Floats y = empty_output();
    std::fill_n(shared_.get(), plan_->shared_bytes(), char(0xff));
    const ConvTensors tensors = tensors_of(x, packed, residual, y.mutable_data());
    for (size_t stage = 0; stage < plan_->stages(); ++stage)
      for (auto [begin, end] : ranges[stage]) {
        std::fill_n(scratch_.get(), plan_->scratch_bytes(), char(0xff));
        plan_->run(tensors, stage, begin, end, scratch_.get());
      }
    return y;
  }

 private:
  ConvTensors tensors_of(const Floats& x, const Floats& packed, const std::optional<Floats>& residual, float* y) const {
    return {x.data(), packed.data(), pointer(residual), y, pointer(weight_), pointer(bias_), shared_.get()};
  }

  ConvShape shape_;
  ChannelLayout output_;
  int lanes_;
  std::unique_ptr<const ConvPlan> plan_;
  Scratch scratch_, shared_;
  std::optional<Floats> weight_, bias_;
};

// One run of a ConvDepthwisePlan, tile ranges in this order. epilogue: activation, alpha, beta.
class Pair {
 public:
  using Epilogue = std::tuple<int, float, float>;

  Pair(const py::dict& dense, const std::string& input, const Epilogue& dense_epilogue, const py::dict& depthwise, const Epilogue& epilogue)
      : depthwise_(shape_of(depthwise)),
        plan_(shape_of(dense), layout_of(input), epilogue_of(dense_epilogue), depthwise_, epilogue_of(epilogue)) {}

  size_t tiles() const { return plan_.tiles(); }
  Floats run(const Floats& x, const Floats& dense_weight, const Floats& dense_bias, const Floats& weight, const Floats& bias,
             const std::vector<std::pair<size_t, size_t>>& ranges) const {
    const Floats first = packed(plan_.dense(), dense_weight, dense_bias), second = packed(plan_.depthwise(), weight, bias);
    const int64_t lanes = blocked_kernels().lanes;
    Floats y = new_array({depthwise_.n, py::ssize_t(channel_blocks(size_t(depthwise_.c_out), size_t(lanes))), 1, depthwise_.out[1],
                          depthwise_.out[2], lanes});
    const Scratch scratch(static_cast<char*>(::operator new(plan_.scratch_bytes() + 1, std::align_val_t(64))));
    for (auto [begin, end] : ranges) {
      std::fill_n(scratch.get(), plan_.scratch_bytes(), char(0xff));
      plan_.run({x.data(), first.data(), second.data(), y.mutable_data()}, begin, end, scratch.get());
    }
    return y;
  }

 private:
  static ConvEpilogue epilogue_of(const Epilogue& e) { return {Activation(std::get<0>(e)), std::get<1>(e), std::get<2>(e)}; }
  static Floats packed(const ConvPlan& plan, const Floats& weight, const Floats& bias) {
    Floats memory = new_array({py::ssize_t(plan.packed_floats())});
    plan.pack(weight.data(), bias.data(), memory.mutable_data(), 0, plan.pack_items());
    return memory;
  }

  ConvShape depthwise_;
  ConvDepthwisePlan plan_;
};

// [n, c, ...] -> [n, blocks, ..., lanes]
Floats to_blocked(const Floats& x) {
  const BlockedKernels& k = blocked_kernels();
  std::vector<py::ssize_t> dims(x.shape(), x.shape() + x.ndim());
  size_t pixels = 1, channels = size_t(x.shape(1));
  for (int d = 2; d < x.ndim(); ++d) pixels *= size_t(x.shape(d));
  dims[1] = py::ssize_t(channel_blocks(channels, k.lanes));
  dims.push_back(k.lanes);
  Floats y = new_array(dims);
  for (py::ssize_t n = 0; n < x.shape(0); ++n)
    for (size_t c = 0, b = 0; c < channels; c += k.lanes, ++b)
      k.to_blocked(x.data() + (n * channels + c) * pixels, pixels, int(std::min<size_t>(k.lanes, channels - c)), pixels,
                   y.mutable_data() + (n * dims[1] + b) * pixels * k.lanes);
  return y;
}

Floats from_blocked(const Floats& x, size_t channels) {
  const BlockedKernels& k = blocked_kernels();
  std::vector<py::ssize_t> dims(x.shape(), x.shape() + x.ndim() - 1);
  size_t pixels = 1;
  for (int d = 2; d + 1 < x.ndim(); ++d) pixels *= size_t(x.shape(d));
  dims[1] = py::ssize_t(channels);
  Floats y = new_array(dims);
  for (py::ssize_t n = 0; n < x.shape(0); ++n)
    for (size_t c = 0, b = 0; c < channels; c += k.lanes, ++b)
      k.from_blocked(x.data() + (n * x.shape(1) + b) * pixels * k.lanes, pixels,
                     int(std::min<size_t>(k.lanes, channels - c)), pixels,
                     y.mutable_data() + (n * channels + c) * pixels);
  return y;
}

// [n, blocks, pixels, lanes] -> [n, pixels, c]
Floats blocked_to_last(const Floats& x, size_t channels) {
  const BlockedKernels& k = blocked_kernels();
  const size_t n = size_t(x.shape(0)), blocks = size_t(x.shape(1)), pixels = size_t(x.shape(2)), lanes = size_t(k.lanes);
  Floats y = new_array({x.shape(0), x.shape(2), py::ssize_t(channels)});
  for (size_t i = 0; i < n * blocks; ++i) {
    const size_t c = i % blocks * lanes, count = std::min(lanes, channels - c);
    k.copy_block(x.data() + i * pixels * lanes, lanes, int(count), pixels, y.mutable_data() + i / blocks * pixels * channels + c, channels,
                 int(count));
  }
  return y;
}

// [n, pixels, c] -> [n, blocks, pixels, lanes]
Floats last_to_blocked(const Floats& x) {
  const BlockedKernels& k = blocked_kernels();
  const size_t pixels = size_t(x.shape(1)), channels = size_t(x.shape(2)), lanes = size_t(k.lanes), blocks = channel_blocks(channels, lanes);
  Floats y = new_array({x.shape(0), py::ssize_t(blocks), x.shape(1), k.lanes});
  for (size_t i = 0; i < size_t(x.shape(0)) * blocks; ++i) {
    const size_t c = i % blocks * lanes;
    k.copy_block(x.data() + i / blocks * pixels * channels + c, channels, int(std::min(lanes, channels - c)), pixels,
                 y.mutable_data() + i * pixels * lanes, lanes, k.lanes);
  }
  return y;
}

Floats reference(const py::dict& shape, const Floats& x, const Floats& w, const std::optional<Floats>& bias,
                 const std::optional<Floats>& residual, int activation, float alpha, float beta) {
  ConvShape s = shape_of(shape);
  Floats y(std::vector<py::ssize_t>{s.n, s.c_out, s.out[0], s.out[1], s.out[2]});
  conv_reference(s, x.data(), w.data(), pointer(bias), pointer(residual), Activation(activation), alpha, beta,
                 y.mutable_data());
  return y;
}

}  // namespace

void bind_conv(py::module_& m) {
  py::list activations;
  for (const char* name : {"none", "relu", "leaky_relu", "sigmoid", "tanh", "clip", "gelu_erf", "gelu_tanh", "silu",
                           "hard_sigmoid", "hard_swish"})
    activations.append(name);
  m.attr("CONV_ACTIVATIONS") = activations;
  m.def("block_lanes", [] { return blocked_kernels().lanes; });
  m.def("to_blocked", to_blocked);
  m.def("from_blocked", from_blocked);
  m.def("blocked_to_last", blocked_to_last);
  m.def("last_to_blocked", last_to_blocked);
  m.def("conv_reference", reference, py::arg("shape"), py::arg("x"), py::arg("w"), py::arg("bias") = py::none(),
        py::arg("residual") = py::none(), py::arg("activation") = 0, py::arg("alpha") = 0.0f, py::arg("beta") = 0.0f);
  m.def("conv_supports", [](const py::dict& shape, const std::string& input, const std::string& output) {
    return conv_supports(shape_of(shape), layout_of(input), layout_of(output));
  });
  m.def("conv_winograd_forms", [](const py::dict& shape) {
    std::vector<int> forms;
    for (const WinogradForm& f : winograd_forms(shape_of(shape))) forms.push_back(f.points[1]);
    return forms;
  });
  m.def("conv_prefers_blocked", [](const py::dict& shape) { return conv_prefers_blocked(shape_of(shape)); });
  m.def("conv_depthwise_fits", [](const py::dict& dense, const std::string& input, const py::dict& depthwise) {
    return conv_depthwise_fits(shape_of(dense), layout_of(input), shape_of(depthwise));
  });
  py::class_<Pair>(m, "ConvDepthwisePlan")
      .def(py::init<const py::dict&, const std::string&, const Pair::Epilogue&, const py::dict&, const Pair::Epilogue&>())
      .def_property_readonly("tiles", &Pair::tiles)
      .def("run", &Pair::run);
  py::class_<Plan>(m, "ConvPlan")
      .def(py::init<const py::dict&, const std::string&, const std::string&, int, float, float, int>(), py::arg("shape"),
           py::arg("input"), py::arg("output"), py::arg("activation") = 0, py::arg("alpha") = 0.0f,
           py::arg("beta") = 0.0f, py::arg("form") = 0)
      .def_property_readonly("algorithm", &Plan::algorithm)
      .def_property_readonly("packing_key", &Plan::packing_key)
      .def_property_readonly("stages", &Plan::stages)
      .def("tiles", &Plan::tiles, py::arg("stage") = 0)
      .def_property_readonly("scratch_bytes", &Plan::scratch_bytes)
      .def("pack", &Plan::pack, py::arg("weight"), py::arg("bias") = py::none(), py::arg("backwards") = false)
      .def("empty_output", &Plan::empty_output)
      .def("run_into", &Plan::run_into, py::arg("x"), py::arg("packed"), py::arg("residual").none(true), py::arg("y"))
      .def("run_ranges", &Plan::run_ranges);
}
