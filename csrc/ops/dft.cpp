#include "ops/axes.h"
#include "ops/elementwise/convert.h"
#include "ops/fourier/fourier_op.h"

namespace engine {
namespace {

// Transforms along one axis of [..., 1 or 2] (real, or real and imaginary parts); lines are cut or padded with zeros to dft_length.
// onesided: the first half of the spectrum, or (inverse) a real result from it.
class Dft final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kFloats));
    inverse_ = c.attr_int("inverse", 0) != 0;
    onesided_ = c.attr_int("onesided", 0) != 0;
    for (int i : {1, 2})
      if (c.has_input(i)) {
        ENGINE_TRY(c.require(i, dtypes::kIndex));
        ENGINE_TRY(require_scalar(c, i));
      }
    c.set(0, c.dtype(0));
    attribute_axis_ = c.opset() < 20 ? c.attr_int("axis", 1) : -2;
    bool axis_open = c.has_input(2) && !c.value(2), length_open = c.has_input(1) && !c.value(1);
    open_ = axis_open || length_open;
    if (open_) c.set_at_run(0);
    if (!c.has_rank(0)) return {};
    if (open_) {
      c.set(0, c.dtype(0), Shape::filled(c.shape(0).rank(), kUnknownDim));
      return {};
    }
    const Tensor* axis = c.has_input(2) ? c.value(2) : nullptr;
    const Tensor* length = c.has_input(1) ? c.value(1) : nullptr;
    ENGINE_ASSIGN(g_, geometry(c.shape(0), axis, length));
    c.set(0, c.dtype(0), g_.output);
    return {};
  }

  Status prepare(PrepareContext& c) override {
    if (open_) return {};
    return g_.output.elements() > 0 ? transform_.prepare(c, g_.n) : Status();
  }

  Status run(OpRun& r) const override {
    if (!open_) return compute(r, g_);
    const Tensor* axis = r.has(2) ? &r.in(2) : nullptr;
    const Tensor* length = r.has(1) ? &r.in(1) : nullptr;
    ENGINE_ASSIGN(Geometry g, geometry(r.in(0).shape, axis, length));
    ENGINE_TRY(r.allocate(0, r.in(0).dtype, g.output));
    return compute(r, g);
  }

 private:
  struct Geometry {
    int axis = 0;
    int64_t n = 0, have = 0, outer = 0, inner = 0, parts = 1;  // parts: 1 real, 2 complex
    Shape output;
  };

  // A Geometry's numbers are kUnknownDim where the shape does not tell.
  Result<Geometry> geometry(const Shape& x, const Tensor* axis, const Tensor* length) const {
    Geometry g;
    if (x.rank() < 2) return error(Code::InvalidModel, "the input has shape %s; [..., n, 1 or 2] is needed", x.text().c_str());
    ENGINE_ASSIGN(g.axis, normalize_axis(axis ? integer_at(*axis, 0) : attribute_axis_, x.rank()));
    if (g.axis == x.rank() - 1) return error(Code::InvalidModel, "axis %d holds the real and imaginary parts", g.axis);
    g.parts = x.back();
    if (g.parts != 1 && g.parts != 2 && g.parts != kUnknownDim)
      return error(Code::InvalidModel, "the last axis of %s holds a real or a complex number: 1 or 2", x.text().c_str());
    g.have = x[g.axis];
    bool real_result = inverse_ && onesided_;
    g.n = length ? integer_at(*length, 0) : g.have == kUnknownDim ? kUnknownDim : real_result ? 2 * (g.have - 1) : g.have;
    g.output = x;
    g.output[x.rank() - 1] = real_result ? 1 : 2;
    g.output[g.axis] = g.n == kUnknownDim && !length ? kUnknownDim : onesided_ && !inverse_ ? g.n / 2 + 1 : g.n;
    if (length || x.known()) ENGINE_TRY(check_length(g.n));
    if (!x.known()) return g;
    g.outer = x.elements(0, g.axis);
    g.inner = x.elements(g.axis + 1, x.rank() - 1);
    return g;
  }

  Status compute(OpRun& r, const Geometry& g) const {
    if (g.output.elements() == 0) return {};
    const Tensor& x = r.in(0);
    Tensor& y = r.out(0);
    Converter load(x.dtype, DType::Double), store(DType::Double, y.dtype);
    int64_t size = dtype_size(x.dtype), taken = std::min(g.have, g.n), made = g.output[g.axis], parts = g.output.back();
    if (inverse_ && onesided_) taken = std::min(g.have, g.n / 2 + 1);
    auto fill = [&](int64_t line, Complex* in) {
      int64_t first = line / g.inner * g.have * g.inner + line % g.inner;
      for (int64_t k = 0; k < g.n; ++k) in[k] = 0;
      for (int64_t k = 0; k < taken; ++k) {
        double number[2] = {0, 0};
        load(x.as<char>() + (first + k * g.inner) * g.parts * size, number, g.parts);
        in[k] = {number[0], inverse_ ? -number[1] : number[1]};
      }
      if (inverse_ && onesided_)
        for (int64_t k = 1; k < taken; ++k)
          if (g.n - k >= taken) in[g.n - k] = std::conj(in[k]);
    };
    auto take = [&](int64_t line, const Complex* out) {
      int64_t first = line / g.inner * made * g.inner + line % g.inner;
      for (int64_t k = 0; k < made; ++k) {
        Complex v = inverse_ ? std::conj(out[k]) / double(g.n) : out[k];
        double number[2] = {v.real(), v.imag()};
        store(number, y.as<char>() + (first + k * g.inner) * parts * size, parts);
      }
    };
    return transform_.each_line(r, g.n, g.outer * g.inner, fill, take);
  }

  bool inverse_ = false, onesided_ = false, open_ = false;
  int64_t attribute_axis_ = 1;
  Geometry g_;
  Transform transform_;
};

}  // namespace

void op_dft(OpTable& t) {
  t.add<Dft>("", "DFT", 17, 1, 2);
  t.add<Dft>("", "DFT", 20, 1, 3);
}

}  // namespace engine
