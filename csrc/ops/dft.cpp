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
    if (g_.output.elements() == 0) return {};
    return transform_dtype(c.dtype(0)) == DType::Double ? in_double_.prepare(c, g_.n) : in_float_.prepare(c, g_.n);
  }

  Status run(OpRun& r) const override {
    if (!open_) return transform(r, g_);
    const Tensor* axis = r.has(2) ? &r.in(2) : nullptr;
    const Tensor* length = r.has(1) ? &r.in(1) : nullptr;
    ENGINE_ASSIGN(Geometry g, geometry(r.in(0).shape, axis, length));
    ENGINE_TRY(r.allocate(0, r.in(0).dtype, g.output));
    return transform(r, g);
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

  Status transform(OpRun& r, const Geometry& g) const {
    if (g.output.elements() == 0) return {};
    return transform_dtype(r.in(0).dtype) == DType::Double ? compute(r, g, in_double_) : compute(r, g, in_float_);
  }

  template <class T>
  Status compute(OpRun& r, const Geometry& g, const Transform<T>& transform) const {
    const Tensor& x = r.in(0);
    Tensor& y = r.out(0);
    DType dtype = transform_dtype(x.dtype);
    Converter load(x.dtype, dtype), store(dtype, y.dtype);
    int64_t size = dtype_size(x.dtype), taken = std::min(g.have, g.n), made = g.output[g.axis], parts = g.output.back();
    bool mirrored = inverse_ && onesided_;
    if (mirrored) taken = std::min(g.have, g.n / 2 + 1);
    auto number = [&](const char* from) {
      T parts_of[2] = {0, 0};
      load(from, parts_of, g.parts);
      return std::complex<T>(parts_of[0], inverse_ ? -parts_of[1] : parts_of[1]);
    };
    auto fill = [&](int64_t line, int64_t begin, int64_t end, std::complex<T>* in) {
      const char* first = x.as<char>() + (line / g.inner * g.have * g.inner + line % g.inner) * g.parts * size;
      int64_t step = g.inner * g.parts * size;
      for (int64_t k = begin; k < end; ++k)
        in[k] = k < taken ? number(first + k * step) : mirrored && g.n - k < taken ? std::conj(number(first + (g.n - k) * step)) : 0;
    };
    T scale = inverse_ ? T(1) / T(g.n) : T(1), sign = inverse_ ? T(-1) : T(1);
    auto take = [&](int64_t line, int64_t begin, int64_t end, const std::complex<T>* out) {
      char* first = y.as<char>() + (line / g.inner * made * g.inner + line % g.inner) * parts * size;
      for (int64_t k = begin; k < end; ++k) {
        std::complex<T> v = g.parts == 1 && !mirrored ? of_real(out, g.n, k) : out[k];
        T parts_of[2] = {v.real() * scale, v.imag() * sign * scale};
        store(parts_of, first + k * g.inner * parts * size, parts);
      }
    };
    return transform.each_line(r, g.n, made, g.outer * g.inner, fill, take);
  }

  bool inverse_ = false, onesided_ = false, open_ = false;
  int64_t attribute_axis_ = 1;
  Geometry g_;
  Transform<float> in_float_;
  Transform<double> in_double_;
};

}  // namespace

void op_dft(OpTable& t) {
  t.add<Dft>("", "DFT", 17, 1, 2);
  t.add<Dft>("", "DFT", 20, 1, 3);
}

}  // namespace engine
