#include <algorithm>

#include "base/checked.h"
#include "ops/axes.h"
#include "ops/scatter_reduction.h"

namespace engine {
namespace {

class Col2Im final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kNumeric));
    c.set(0, c.dtype(0));
    ENGINE_ASSIGN(ListState image, read_list(c, true, 1, "", &image_));
    ENGINE_ASSIGN(ListState block, read_list(c, true, 2, "", &block_));
    if (image != ListState::Known || block != ListState::Known || !c.known(0)) return {};
    ENGINE_TRY(read_attributes(c));
    const Shape& in = c.shape(0);
    int64_t block_size = 1, blocks = 1;
    counts_.clear();
    for (size_t i = 0; i < image_.size(); ++i) {
      ENGINE_ASSIGN(int64_t n, count_blocks(i));
      counts_.push_back(n);
      if (!checked_mul(block_size, block_[i], &block_size) || !checked_mul(blocks, n, &blocks))
        return error(Code::InvalidModel, "the blocks are too large");
    }
    if (in.rank() != 3 || in[2] != blocks || in[1] % block_size != 0)
      return error(Code::InvalidModel, "the input has shape %s; [n, channels * %lld, %lld] is allowed", in.text().c_str(),
                   (long long)block_size, (long long)blocks);
    Shape out{in[0], in[1] / block_size};
    for (int64_t d : image_) out.push_back(d);
    c.set(0, c.dtype(0), out);
    return {};
  }

  Status prepare(PrepareContext& c) override {
    planes_ = c.output_shape(0).elements(0, 2);
    block_size_ = blocks_ = rows_ = 1;
    for (size_t i = 0; i < image_.size(); ++i) {
      block_size_ *= block_[i];
      blocks_ *= counts_[i];
      if (i + 1 < image_.size()) rows_ *= image_[i];
    }
    c.need_scratch(image_.back() * 8);
    return {};
  }

  Status run(OpRun& r) const override {
    if (r.out(0).elements() == 0) return {};
    Status status;
    visit_dtype(NumericTypes{}, r.in(0).dtype, [&]<class T>() { status = sum<T>(r); });
    return status;
  }

 private:
  Status read_attributes(const InferContext& c) {
    strides_ = c.attr_ints("strides");
    pads_ = c.attr_ints("pads");
    dilations_ = c.attr_ints("dilations");
    const size_t n = image_.size();
    if (strides_.empty()) strides_.assign(n, 1);
    if (dilations_.empty()) dilations_.assign(n, 1);
    if (pads_.empty()) pads_.assign(2 * n, 0);
    if (n < 1 || n > size_t(kMaxRank - 2) || block_.size() != n || strides_.size() != n || dilations_.size() != n || pads_.size() != 2 * n)
      return error(Code::InvalidModel, "image_shape has %zu values, block_shape %zu, strides %zu, dilations %zu, pads %zu", n, block_.size(),
                   strides_.size(), dilations_.size(), pads_.size());
    return {};
  }

  // How many blocks lie along axis i.
  Result<int64_t> count_blocks(size_t i) const {
    constexpr int64_t kMost = int64_t(1) << 40;
    const int64_t before = pads_[i], after = pads_[i + image_.size()];
    bool fine = true;
    for (int64_t v : {image_[i], before, after}) fine = fine && v >= 0 && v < kMost;
    for (int64_t v : {block_[i], strides_[i], dilations_[i]}) fine = fine && v >= 1 && v < kMost;
    int64_t reach = 0;
    fine = fine && checked_mul(dilations_[i], block_[i] - 1, &reach);
    const int64_t room = fine ? image_[i] + before + after - reach - 1 : -1;
    if (!fine || reach >= kMost || room < 0)
      return error(Code::InvalidModel, "axis %zu: image %lld, block %lld, stride %lld, dilation %lld and pads %lld, %lld do not fit", i,
                   (long long)image_[i], (long long)block_[i], (long long)strides_[i], (long long)dilations_[i], (long long)before, (long long)after);
    return room / strides_[i] + 1;
  }

  // Where row `row` of the image (all axes but the last) lies in blocks at position `at` of the block; -1: in none.
  int64_t column_of(int64_t row, int64_t at) const {
    const size_t last = image_.size() - 1;
    int64_t column = 0, step = counts_[last];
    at /= block_[last];
    for (size_t i = last; i-- > 0;) {
      const int64_t y = row % image_[i] + pads_[i] - at % block_[i] * dilations_[i];
      row /= image_[i];
      at /= block_[i];
      if (y < 0 || y % strides_[i] != 0 || y / strides_[i] >= counts_[i]) return -1;
      column += y / strides_[i] * step;
      step *= counts_[i];
    }
    return column;
  }

  template <class T>
  Status sum(OpRun& r) const {
    using A = typename ScatterArithmetic<T>::type;
    const size_t last = image_.size() - 1;
    const int64_t width = image_[last], stride = strides_[last], count = counts_[last];
    const T* in = r.in<T>(0);
    T* out = r.out<T>(0);
    const double ns = 10 + double(width) + double(block_size_) * (10 + double(count));
    return r.parallel(planes_ * rows_, ns, [&](int64_t begin, int64_t end, int worker) {
      A* row = r.scratch<A>(worker);
      for (int64_t item = begin; item < end; ++item) {
        std::fill_n(row, width, A(0));
        for (int64_t k = 0; k < block_size_; ++k) {
          const int64_t column = column_of(item % rows_, k);
          if (column < 0) continue;
          const T* from = in + (item / rows_ * block_size_ + k) * blocks_ + column;
          const int64_t shift = k % block_[last] * dilations_[last] - pads_[last];
          const int64_t first = shift >= 0 ? 0 : ceil_div(-shift, stride);
          const int64_t stop = shift >= width ? 0 : std::min(count, (width - 1 - shift) / stride + 1);
          for (int64_t i = first; i < stop; ++i) row[i * stride + shift] += A(from[i]);
        }
        for (int64_t i = 0; i < width; ++i) out[item * width + i] = T(row[i]);
      }
    });
  }

  std::vector<int64_t> image_, block_, strides_, pads_, dilations_, counts_;
  int64_t planes_ = 0, rows_ = 1, block_size_ = 1, blocks_ = 1;
};

}  // namespace

void op_col2_im(OpTable& t) { t.add<Col2Im>("", "Col2Im", 18, 3, 3); }

}  // namespace engine
