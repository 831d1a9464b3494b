// engine.BlockedToLast and engine.LastToBlocked: between [N, ceil(C / block), spatial..., block], the channel-blocked layout of
// kernels/blocked, and [N, spatial..., C]. float32.
#include "kernels/blocked/blocked.h"
#include "ops/op.h"

namespace engine {
namespace {

constexpr int64_t kPiece = 32;  // pixels whose channels are all moved before the next
constexpr double kNsPerElement = 0.15;

class ChangeChannels : public Op {
 public:
  explicit ChangeChannels(bool to_blocked) : to_blocked_(to_blocked) {}

  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kFloat32));
    block_ = blocked_kernels().lanes;
    c.set(0, DType::Float);
    if (!c.known(0)) return {};
    const Shape& x = c.shape(0);
    const int rank = x.rank();
    if (rank < 3 || (to_blocked_ ? rank == kMaxRank : rank < 4 || x.back() != block_))
      return error(Code::InvalidModel, "the data have shape %s", x.text().c_str());
    images_ = x[0];
    channels_ = to_blocked_ ? x.back() : c.attr_int("channels", x[1] * block_);
    blocks_ = (channels_ + block_ - 1) / block_;
    if (!to_blocked_ && (channels_ < 0 || blocks_ != x[1]))
      return error(Code::InvalidModel, "%s does not hold %lld channels", x.text().c_str(), (long long)channels_);
    Shape y{images_};
    if (to_blocked_) y.push_back(blocks_);
    pixels_ = 1;
    for (int d = to_blocked_ ? 1 : 2; d < rank - 1; ++d) {
      y.push_back(x[d]);
      pixels_ *= x[d];
    }
    y.push_back(to_blocked_ ? block_ : channels_);
    c.set(0, DType::Float, y);
    return {};
  }

  Status run(OpRun& r) const override {
    const float* x = r.in<float>(0);
    float* y = r.out<float>(0);
    const int64_t pieces = (pixels_ + kPiece - 1) / kPiece;
    const double ns = double(std::min(kPiece, pixels_) * blocks_ * block_) * kNsPerElement;
    return r.parallel(images_ * pieces, ns, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) convert(x, y, i / pieces, i % pieces * kPiece);
    });
  }

 private:
  void convert(const float* x, float* y, int64_t image, int64_t first) const {
    const size_t pixels = size_t(std::min(kPiece, pixels_ - first));
    for (int64_t block = 0; block < blocks_; ++block) {
      const int64_t last = (image * pixels_ + first) * channels_ + block * block_;
      const int64_t blocked = ((image * blocks_ + block) * pixels_ + first) * block_;
      const int count = int(std::min(block_, channels_ - block * block_));
      if (to_blocked_) blocked_kernels().copy_block(x + last, size_t(channels_), count, pixels, y + blocked, size_t(block_), int(block_));
      else blocked_kernels().copy_block(x + blocked, size_t(block_), count, pixels, y + last, size_t(channels_), count);
    }
  }

  bool to_blocked_;
  int64_t block_ = 1, images_ = 0, channels_ = 0, blocks_ = 0, pixels_ = 0;
};

class LastToBlocked final : public ChangeChannels {
 public:
  LastToBlocked() : ChangeChannels(true) {}
};

class BlockedToLast final : public ChangeChannels {
 public:
  BlockedToLast() : ChangeChannels(false) {}
};

}  // namespace

void op_change_channels(OpTable& t) {
  t.add<LastToBlocked>("engine", "LastToBlocked", 1, 1, 1);
  t.add<BlockedToLast>("engine", "BlockedToLast", 1, 1, 1);
}

}  // namespace engine
