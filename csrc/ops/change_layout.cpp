// engine.ToBlocked and engine.ToPlain: between [N, C, spatial...] and [N, ceil(C / block), spatial..., block], the channel-blocked
// layout of kernels/blocked, which graphs hold as tensors of one more dimension. float32.
#include "kernels/blocked/blocked.h"
#include "ops/op.h"

namespace engine {
namespace {

constexpr int64_t kPiece = 1024;  // pixels of a block that are converted at once
constexpr double kNsPerElement = 0.25;

class ChangeLayout : public Op {
 public:
  explicit ChangeLayout(bool to_blocked) : to_blocked_(to_blocked) {}

  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kFloat32));
    block_ = blocked_kernels().lanes;
    c.set(0, DType::Float);
    if (!c.known(0)) return {};
    const Shape& x = c.shape(0);
    Shape plain = x;
    if (!to_blocked_) {
      if (x.rank() < 3 || x.back() != block_) return error(Code::InvalidModel, "blocked data have shape %s", x.text().c_str());
      plain.erase(x.rank() - 1);
      plain[1] = c.attr_int("channels", x[1] * block_);
    }
    if (plain.rank() < 2 || plain.rank() == kMaxRank || plain[1] < 0)
      return error(Code::InvalidModel, "the data have shape %s", plain.text().c_str());
    images_ = plain[0], channels_ = plain[1];
    blocks_ = (channels_ + block_ - 1) / block_;
    pixels_ = plain.elements(2, plain.rank());
    Shape blocked = plain;
    blocked[1] = blocks_;
    blocked.push_back(block_);
    if (!to_blocked_ && blocks_ != x[1]) return error(Code::InvalidModel, "%s does not hold %lld channels", x.text().c_str(), (long long)channels_);
    c.set(0, DType::Float, to_blocked_ ? blocked : plain);
    if (pixels_ == 1 && channels_ % block_ == 0) c.set_view(0, 0);
    return {};
  }

  Status run(OpRun& r) const override {
    const float* x = r.in<float>(0);
    float* y = r.out<float>(0);
    int64_t pieces = (pixels_ + kPiece - 1) / kPiece, longest = std::min(kPiece, pixels_);
    return r.parallel(images_ * blocks_ * pieces, double(longest * block_) * kNsPerElement, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) convert(x, y, i / pieces / blocks_, i / pieces % blocks_, i % pieces * kPiece);
    });
  }

 private:
  void convert(const float* x, float* y, int64_t image, int64_t block, int64_t first) const {
    int64_t plain = (image * channels_ + block * block_) * pixels_ + first;
    int64_t blocked = ((image * blocks_ + block) * pixels_ + first) * block_;
    int count = int(std::min(block_, channels_ - block * block_));
    size_t pixels = size_t(std::min(kPiece, pixels_ - first));
    if (to_blocked_) blocked_kernels().to_blocked(x + plain, size_t(pixels_), count, pixels, y + blocked);
    else blocked_kernels().from_blocked(x + blocked, size_t(pixels_), count, pixels, y + plain);
  }

  bool to_blocked_;
  int64_t block_ = 1, images_ = 0, channels_ = 0, blocks_ = 0, pixels_ = 0;
};

class ToBlocked final : public ChangeLayout {
 public:
  ToBlocked() : ChangeLayout(true) {}
};

class ToPlain final : public ChangeLayout {
 public:
  ToPlain() : ChangeLayout(false) {}
};

}  // namespace

void op_change_layout(OpTable& t) {
  t.add<ToBlocked>("engine", "ToBlocked", 1, 1, 1);
  t.add<ToPlain>("engine", "ToPlain", 1, 1, 1);
}

}  // namespace engine
