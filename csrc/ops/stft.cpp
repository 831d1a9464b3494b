#include "ops/axes.h"
#include "ops/elementwise/convert.h"
#include "ops/fourier/fourier_op.h"

namespace engine {
namespace {

// Spectra [batch, frames, bins, 2] of windowed frames of a signal [batch, length, 1 or 2].
class Stft final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kFloats));
    ENGINE_TRY(c.require(1, dtypes::kIndex));
    ENGINE_TRY(require_scalar(c, 1));
    if (c.has_input(2)) ENGINE_TRY(c.require_same(0, 2));
    if (c.has_input(3)) {
      ENGINE_TRY(c.require(3, dtypes::kIndex));
      ENGINE_TRY(require_scalar(c, 3));
    }
    onesided_ = c.attr_int("onesided", 1) != 0;
    c.set(0, c.dtype(0));
    open_ = !c.value(1) || (c.has_input(3) && !c.value(3));
    if (open_) {
      c.set(0, c.dtype(0), Shape::filled(4, kUnknownDim));
      c.set_at_run(0);
      return {};
    }
    if (!c.known(0) || (c.has_input(2) && !c.known(2))) {
      c.set(0, c.dtype(0), Shape::filled(4, kUnknownDim));
      return {};
    }
    ENGINE_ASSIGN(g_, geometry(c.shape(0), c.has_input(2) ? &c.shape(2) : nullptr, *c.value(1), c.has_input(3) ? c.value(3) : nullptr));
    c.set(0, c.dtype(0), g_.output);
    return {};
  }

  Status prepare(PrepareContext& c) override { 
    if (open_ || g_.output.elements() == 0) return {};
    return transform_dtype(c.dtype(0)) == DType::Double ? in_double_.prepare(c, g_.n) : in_float_.prepare(c, g_.n);
  }

  Status run(OpRun& r) const override {
    if (!open_) return transform(r, g_);
    ENGINE_ASSIGN(Geometry g, geometry(r.in(0).shape, r.has(2) ? &r.in(2).shape : nullptr, r.in(1), r.has(3) ? &r.in(3) : nullptr));
    ENGINE_TRY(r.allocate(0, r.in(0).dtype, g.output));
    return transform(r, g);
  }

 private:
  struct Geometry {
    int64_t n = 0, step = 1, length = 0, parts = 1, frames = 0, bins = 0;
    Shape output;
  };

  Result<Geometry> geometry(const Shape& x, const Shape* window, const Tensor& step, const Tensor* length) const {
    Geometry g;
    bool plain = x.rank() == 2;
    if (!plain && (x.rank() != 3 || (x[2] != 1 && x[2] != 2)))
      return error(Code::InvalidModel, "the signal has shape %s; [batch, length, 1 or 2] is needed", x.text().c_str());
    g.length = x[1];
    g.parts = plain ? 1 : x[2];
    g.step = integer_at(step, 0);
    if (g.step <= 0) return error(Code::InvalidModel, "frame_step is %lld; it must be positive", (long long)g.step);
    g.n = length ? integer_at(*length, 0) : window ? window->elements() : g.length;
    ENGINE_TRY(check_length(g.n));
    if (window && (window->rank() != 1 || (*window)[0] != g.n))
      return error(Code::InvalidModel, "the window has shape %s; frames have %lld elements", window->text().c_str(), (long long)g.n);
    g.frames = g.length >= g.n ? (g.length - g.n) / g.step + 1 : 0;
    g.bins = onesided_ ? g.n / 2 + 1 : g.n;
    g.output = Shape{x[0], g.frames, g.bins, 2};
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
    int64_t size = dtype_size(x.dtype);
    const char* window = r.has(2) ? r.in<char>(2) : nullptr;
    auto fill = [&](int64_t line, int64_t begin, int64_t end, std::complex<T>* in) {
      const char* first = x.as<char>() + (line / g.frames * g.length + line % g.frames * g.step) * g.parts * size;
      for (int64_t k = begin; k < end; ++k) {
        T number[2] = {0, 0}, weight = 1;
        load(first + k * g.parts * size, number, g.parts);
        if (window) load(window + k * size, &weight, 1);
        in[k] = {number[0] * weight, number[1] * weight};
      }
    };
    auto take = [&](int64_t line, int64_t begin, int64_t end, const std::complex<T>* out) {
      char* first = y.as<char>() + line * g.bins * 2 * size;
      for (int64_t k = begin; k < end; ++k) {
        std::complex<T> number = g.parts == 1 ? of_real(out, g.n, k) : out[k];
        store(&number, first + k * 2 * size, 2);
      }
    };
    return transform.each_line(r, g.n, g.bins, g.output[0] * g.frames, fill, take);
  }

  bool onesided_ = true, open_ = false;
  Geometry g_;
  Transform<float> in_float_;
  Transform<double> in_double_;
};

}  // namespace

void op_stft(OpTable& t) { t.add<Stft>("", "STFT", 17, 2, 4); }

}  // namespace engine
