#include "kernels/conv/plans.h"
#include "kernels/conv/winograd_fallback.h"
#include "kernels/conv/winograd_form.h"

namespace engine {
namespace {

constexpr double kFusedMicroseconds = 100;     // most that a tile of all three steps may take
constexpr int64_t kFusedBytes = 400 << 10;     // transformed input and sums that stay in the second-level cache
constexpr int64_t kFusedWeights = 2560 << 10;  // weights that a fused tile may read
constexpr int64_t kStagedBytes = 6 << 20;
constexpr double kPieceMicroseconds = 40;
constexpr double kTransformProducts = 3;       // what transforming a value costs, in products of a block

// Tiles of an image go in groups of `group_tiles_`. Fused: a group is one tile of work, in scratch. Staged: each group has
// three stages (transform, multiply, transform back) that all threads share, in shared memory.
class WinogradPlan final : public ConvPlan {
 public:
  WinogradPlan(const ConvShape& s, const WinogradForm& form, const ConvEpilogue& epilogue)
      : kernels_(conv_kernels()), shape_(s), form_(winograd_geometry(s, form)), finish_(conv_finish(epilogue)), fallback_(s, epilogue) {
    points_ = form.points[0] * form.points[1];
    image_tiles_ = form_.tiles[0] * form_.tiles[1];
    in_blocks_ = ceil_div(s.c_in, kernels_.lanes);
    out_blocks_ = ceil_div(s.c_out, kernels_.lanes);
    jobs_ = ceil_div(out_blocks_, kernels_.direct_blocks);
    choose_groups();
    point_in_ = (in_blocks_ * group_tiles_ | 1) * kernels_.lanes;
    point_out_ = (out_blocks_ * group_tiles_ | 1) * kernels_.lanes;
  }

  ConvAlgorithm algorithm() const override { return ConvAlgorithm::winograd; }
  std::string packing_key() const override {
    return format("winograd %d %d %d %d %s", kernels_.lanes, kernels_.direct_blocks, form_.points[0], form_.points[1],
                  conv_weight_key(shape_).c_str());
  }
  size_t packed_floats() const override { return size_t(out_blocks_ * kernels_.lanes * (1 + points_ * shape_.c_in)); }
  size_t pack_items() const override { return size_t(jobs_); }
  void pack(const float* weight, const float* bias, float* packed, size_t begin, size_t end) const override {
    for (size_t i = begin; i < end; ++i) pack_job(weight, bias, int64_t(i), packed);
  }

  size_t stages() const override { return fused_ ? 1 : size_t(3 * shape_.n * groups_); }
  size_t tiles(size_t stage) const override {
    if (image_tiles_ == 0) return 0;
    if (fused_) return size_t(shape_.n * groups_);
    const int64_t rows = group_rows(int64_t(stage / 3) % groups_);
    if (stage % 3 == 1) return size_t(points_ * jobs_);
    return size_t((stage % 3 == 0 ? in_blocks_ : jobs_) * ceil_div(rows, piece(stage % 3)));
  }
  double tile_ns(size_t stage) const override {
    const double rate = kernels_.flops_per_microsecond / 2e3 / kernels_.lanes;
    if (fused_) return double(group_tiles_) * tile_cost() / rate;
    const double rows = double(group_rows(int64_t(stage / 3) % groups_));
    if (stage % 3 == 1) return rows * double(shape_.c_in * kernels_.direct_blocks) / rate;
    return double(piece(stage % 3)) * kTransformProducts * points_ * (stage % 3 == 0 ? 1 : kernels_.direct_blocks) / rate;
  }
  size_t scratch_bytes() const override { return fallback_.scratch_bytes() + (fused_ ? group_bytes() : 0); }
  size_t shared_bytes() const override { return fused_ ? 0 : group_bytes(); }
  void run(const ConvTensors& t, size_t stage, size_t begin, size_t end, void* scratch) const override {
    float* values = static_cast<float*>(fused_ ? scratch : t.shared);
    void* rest = static_cast<char*>(scratch) + (fused_ ? group_bytes() : 0);
    for (int64_t i = int64_t(begin); i < int64_t(end); ++i) {
      if (fused_) {
        run_fused(t, group_at(i), values, rest);
        continue;
      }
      const Group g = group_at(int64_t(stage) / 3);
      if (stage % 3 == 0) run_input(t, g, values, i);
      if (stage % 3 == 1) multiply(t, g, values, i / jobs_, i % jobs_);
      if (stage % 3 == 2) run_output(t, g, values, i, rest);
    }
  }

 private:
  struct Group {
    int64_t image, begin, end;
  };

  double tile_cost() const {
    return double(points_) * (double(shape_.c_in * out_blocks_) + kTransformProducts * double(in_blocks_ + out_blocks_));
  }
  int64_t job_blocks(int64_t job) const {
    const int64_t left = out_blocks_ - job * kernels_.direct_blocks;
    return left < kernels_.direct_blocks ? left : kernels_.direct_blocks;
  }
  int64_t group_rows(int64_t group) const {
    const int64_t left = image_tiles_ - group * group_tiles_;
    return left < group_tiles_ ? left : group_tiles_;
  }
  Group group_at(int64_t i) const {
    const int64_t begin = i % groups_ * group_tiles_;
    return {i / groups_, begin, begin + group_rows(i % groups_)};
  }
  size_t group_bytes() const { return size_t(ceil_div((point_in_ + point_out_) * points_ * 4, 64) * 64); }
  int64_t piece(size_t step) const {
    const double cost = kTransformProducts * points_ * kernels_.lanes * 2.0 * (step == 0 ? 1 : kernels_.direct_blocks);
    return units_per_tile(cost, kernels_.flops_per_microsecond, kPieceMicroseconds, group_tiles_);
  }

  // Whole row tiles of the product where there are enough of them; even groups for two threads.
  void choose_groups() {
    const int64_t lanes = kernels_.lanes, rows = 2 * kernels_.direct_width;
    const int64_t tile_bytes = points_ * (in_blocks_ + out_blocks_) * lanes * 4;
    const int64_t weights = points_ * shape_.c_in * out_blocks_ * lanes * 4;
    const int64_t timed = units_per_tile(tile_cost() * lanes * 2, kernels_.flops_per_microsecond, kFusedMicroseconds, image_tiles_);
    int64_t most = kFusedBytes / tile_bytes < timed ? kFusedBytes / tile_bytes : timed;
    fused_ = weights <= kFusedWeights && (most >= rows || most >= image_tiles_);
    if (!fused_) most = kStagedBytes / tile_bytes;
    if (most > rows) most -= most % rows;
    if (most < 1) most = 1;
    groups_ = ceil_div(image_tiles_, most);
    if (fused_ && groups_ % 2 == 1 && groups_ < 16 && image_tiles_ >= 8) ++groups_;
    group_tiles_ = groups_ > 0 ? ceil_div(image_tiles_, groups_) : 1;
    groups_ = ceil_div(image_tiles_, group_tiles_);
  }

  const float* weights_of(const float* packed, int64_t point, int64_t job) const {
    const int64_t first = point * out_blocks_ * shape_.c_in + job * kernels_.direct_blocks * shape_.c_in;
    return packed + (out_blocks_ + first) * kernels_.lanes;
  }

  // [bias][point][job][channel][blocks of the job * lanes]
  void pack_job(const float* weight, const float* bias, int64_t job, float* packed) const {
    const WinogradFilter filter(shape_, form_);
    const int64_t lanes = kernels_.lanes, width = job_blocks(job) * lanes, first = job * kernels_.direct_blocks * lanes;
    float* to = packed + (weights_of(packed, 0, job) - packed);
    for (int64_t o = 0; o < width; o += lanes) {
      const int64_t out = first + o, count = shape_.c_out - out < lanes ? shape_.c_out - out : lanes;
      for (int64_t l = 0; l < lanes; ++l) packed[out + l] = bias && l < count ? bias[out + l] : 0.0f;
      filter.transform(weight + out * shape_.c_in * shape_.taps(), count, to + o, width, out_blocks_ * shape_.c_in * lanes);
    }
  }

  void run_fused(const ConvTensors& t, const Group& g, float* values, void* scratch) const {
    transform_input(t, g, values, g.begin, g.end, 0, in_blocks_);
    for (int64_t p = 0; p < points_; ++p)
      for (int64_t job = 0; job < jobs_; ++job) multiply(t, g, values, p, job);
    for (int64_t job = 0; job < jobs_; ++job) transform_output(t, g, values, g.begin, g.end, job, scratch);
  }

  void run_input(const ConvTensors& t, const Group& g, float* values, int64_t i) const {
    const int64_t begin = g.begin + i / in_blocks_ * piece(0), end = begin + piece(0) < g.end ? begin + piece(0) : g.end;
    transform_input(t, g, values, begin, end, i % in_blocks_, i % in_blocks_ + 1);
  }

  void run_output(const ConvTensors& t, const Group& g, float* values, int64_t i, void* scratch) const {
    const int64_t begin = g.begin + i / jobs_ * piece(2), end = begin + piece(2) < g.end ? begin + piece(2) : g.end;
    transform_output(t, g, values, begin, end, i % jobs_, scratch);
  }

  void transform_input(const ConvTensors& t, const Group& g, float* values, int64_t begin, int64_t end, int64_t block_begin,
                       int64_t block_end) const {
    const int64_t step = shape_.in_pixels() * kernels_.lanes;
    kernels_.winograd_input({&form_, t.input + g.image * in_blocks_ * step, step, begin, end, g.begin, block_begin, block_end,
                             values, point_in_, group_tiles_ * kernels_.lanes});
  }

  void multiply(const ConvTensors& t, const Group& g, float* values, int64_t point, int64_t job) const {
    const int64_t block_step = group_tiles_ * kernels_.lanes;
    float* sums = values + points_ * point_in_ + point * point_out_ + job * kernels_.direct_blocks * block_step;
    const float* weights = weights_of(t.packed, point, job);
    const int64_t floats = job_blocks(job) * kernels_.lanes * shape_.c_in;
    const bool last = point + 1 == points_ && job + 1 == jobs_;
    kernels_.winograd_product({values + point * point_in_, block_step, g.end - g.begin, shape_.c_in, weights, sums, block_step,
                               int(job_blocks(job)), last ? nullptr : weights + floats, floats});
  }

  // A sum that is infinite or NaN may come from a value that the output pixel does not read: then all are summed directly.
  void transform_output(const ConvTensors& t, const Group& g, float* values, int64_t begin, int64_t end, int64_t job,
                        void* scratch) const {
    const int64_t first = job * kernels_.direct_blocks, step = shape_.out_pixels() * kernels_.lanes;
    bool finite = true;
    for (int64_t block = first; block < first + job_blocks(job); ++block) {
      const int64_t at = (g.image * out_blocks_ + block) * step;
      ConvWinogradOutputJob j;
      j.form = &form_;
      j.sums = values + points_ * point_in_ + block * group_tiles_ * kernels_.lanes;
      j.point_step = point_out_;
      j.begin = begin;
      j.end = end;
      j.first = g.begin;
      j.bias = t.packed + block * kernels_.lanes;
      j.residual = t.residual ? t.residual + at : nullptr;
      j.output = t.output + at;
      j.last_lanes = int(block + 1 == out_blocks_ ? shape_.c_out - block * kernels_.lanes : kernels_.lanes);
      j.finish = &finish_;
      finite = kernels_.winograd_output(j) && finite;
    }
    if (!finite) fallback_.run(t, form_, g.image, begin, end, job, scratch);
  }

  const ConvKernels& kernels_;
  const ConvShape shape_;
  const ConvWinograd form_;
  const ConvFinish finish_;
  const WinogradFallback fallback_;
  bool fused_;
  int64_t points_, image_tiles_, in_blocks_, out_blocks_;
  int64_t jobs_;                   // of up to direct_blocks output blocks
  int64_t groups_, group_tiles_;   // of an image; tiles of a group
  int64_t point_in_, point_out_;   // floats between points
};

}  // namespace

std::unique_ptr<const ConvPlan> make_winograd_plan(const ConvShape& shape, const WinogradForm& form,
                                                   const ConvEpilogue& epilogue) {
  return std::make_unique<WinogradPlan>(shape, form, epilogue);
}

}  // namespace engine
