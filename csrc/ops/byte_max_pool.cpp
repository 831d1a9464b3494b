#include <algorithm>
#include <limits>

#include "kernels/pool/pool_shape.h"
#include "ops/conv/window.h"
#include "ops/op.h"

namespace engine {
namespace {

// MaxPool of bytes, [n, spatial..., channel].
class ByteMaxPool final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtype_set(DType::Uint8, DType::Int8)));
    c.set(0, c.dtype(0));
    if (!c.known(0)) return {};
    const Shape& x = c.shape(0);
    const int rank = x.rank() - 2;
    if (rank < 1) return error(Code::InvalidModel, "the data have %d dimensions; at least 3 are wanted", x.rank());
    Window w;
    ENGINE_TRY(read_window(c, rank, nullptr, &w));
    Shape output = x;
    int64_t in[3] = {1, 1, 1}, out[3] = {1, 1, 1};
    for (int d = 0; d < rank; ++d) {
      in[d] = x[d + 1];
      ENGINE_ASSIGN(out[d], window_output(w, d, in[d], c.attr_int("ceil_mode", 0) != 0));
      output[d + 1] = out[d];
    }
    shape_ = PoolShape();
    shape_.n = x[0], shape_.channels = x.back();
    spread(in, rank, 1, shape_.in), spread(out, rank, 1, shape_.out);
    spread(w.kernel, rank, 1, shape_.kernel), spread(w.stride, rank, 1, shape_.stride), spread(w.dilation, rank, 1, shape_.dilation);
    spread(w.pad_begin, rank, 0, shape_.pad_begin), spread(w.pad_end, rank, 0, shape_.pad_end);
    c.set(0, c.dtype(0), output);
    return {};
  }

  Status run(OpRun& r) const override {
    const bool is_signed = r.in(0).dtype == DType::Int8;
    const int64_t pixels = shape_.out_pixels();
    const double ns = double(shape_.channels * shape_.taps()) * 0.05 + 20;
    return r.parallel(shape_.n * pixels, ns, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin, count = 0; i < end; i += count) {
        count = std::min(end - i, shape_.out[2] - i % shape_.out[2]);
        const int64_t from = i / pixels * shape_.in_pixels() * shape_.channels, to = i * shape_.channels;
        if (is_signed) line(r.in<int8_t>(0) + from, i % pixels, count, r.out<int8_t>(0) + to);
        else line(r.in<uint8_t>(0) + from, i % pixels, count, r.out<uint8_t>(0) + to);
      }
    });
  }

 private:
  static constexpr int64_t kBlock = 64;  // channels that registers hold

  // Outputs [o, o + count) of one line of the image at x.
  template <class T>
  void line(const T* x, int64_t o, int64_t count, T* y) const {
    const PoolShape& s = shape_;
    const PoolWindow d = pool_window(s, 0, o / s.out[2] / s.out[1]), h = pool_window(s, 1, o / s.out[2] % s.out[1]);
    for (int64_t i = 0, column = o % s.out[2]; i < count; ++i, ++column) {
      const PoolWindow w = pool_window(s, 2, column);
      for (int64_t c = 0; c < s.channels; c += kBlock) greatest(x + c, d, h, w, std::min(kBlock, s.channels - c), y + i * s.channels + c);
    }
  }

  // Of `count` channels from x on.
  template <class T>
  void greatest(const T* x, const PoolWindow& d, const PoolWindow& h, const PoolWindow& w, int64_t count, T* y) const {
    const PoolShape& s = shape_;
    T most[kBlock];
    std::fill_n(most, kBlock, std::numeric_limits<T>::lowest());
    for (int64_t kd = 0; kd < d.count; ++kd)
      for (int64_t kh = 0; kh < h.count; ++kh) {
        const int64_t row = ((d.begin + kd * s.dilation[0]) * s.in[1] + h.begin + kh * s.dilation[1]) * s.in[2] + w.begin;
        for (int64_t kw = 0; kw < w.count; ++kw) {
          const T* from = x + (row + kw * s.dilation[2]) * s.channels;
          if (count == kBlock) larger(from, kBlock, most);
          else larger(from, count, most);
        }
      }
    std::copy_n(most, count, y);
  }

  template <class T>
  static void larger(const T* x, int64_t count, T* most) {
    for (int64_t i = 0; i < count; ++i) most[i] = std::max(x[i], most[i]);
  }

  PoolShape shape_;
};

}  // namespace

void op_byte_max_pool(OpTable& t) { t.add<ByteMaxPool>("engine", "ByteMaxPool", 1, 1, 1); }

}  // namespace engine
