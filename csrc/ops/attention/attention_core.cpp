#include "ops/attention/attention_core.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/checked.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/softmax/softmax.h"
#include "ops/pieces.h"

namespace engine {
namespace {

constexpr double kMacsPerNs = 25;
constexpr int64_t kBlockMacs = 2000000;
constexpr int64_t kMostRows = 96, kLeastRows = 12;  // fewer take as long as so many: reading B
constexpr int64_t kFewRows = 16;  // below this packing keys and values does not pay

int64_t offset_of(const HeadStrides& s, int64_t batch, int64_t head) { return batch * s.batch + head * s.head; }

bool only_infinities(const float* x, int64_t n) {
  for (int64_t i = 0; i < n; ++i)
    if (x[i] != -INFINITY) return false;
  return true;
}

}  // namespace

Status AttentionCore::prepare(PrepareContext& c, int64_t* shared) {
  kernels_ = &gemm_kernels();
  if (rounds()) steps_ = StepwiseSoftmax(dtype);
  if (softmax_dtype != DType::Float) stepwise_softmax_ = StepwiseSoftmax(softmax_dtype);
  const AttentionShape& s = shape;
  int64_t macs = std::max<int64_t>(1, s.keys * (s.depth + s.value_depth));
  block_ = std::clamp<int64_t>(kBlockMacs / macs / 12 * 12, 12, kMostRows);
  block_ = std::min(block_, std::max<int64_t>(s.rows, 1));
  blocks_ = ceil_div(s.rows, block_);
  row_keys_ = round_up(std::max<int64_t>(s.keys, 1), 16);
  packs_ = s.rows > kFewRows;
  const GemmBlocking& b = kernels_->blocking;
  int64_t panel_keys = round_up(std::max<int64_t>(s.keys, 1), b.panel), panel_values = round_up(std::max<int64_t>(s.value_depth, 1), b.panel);
  size_t first = gemm_scratch_bytes(b, round_up(block_, b.rows), panel_keys, s.depth, s.q.column != 1, !packs_);
  size_t second = gemm_scratch_bytes(b, round_up(block_, b.rows), panel_values, s.keys, false, !packs_);
  gemm_scratch_ = round_up(int64_t(std::max(first, second)), 64);
  if (double(s.keys) * double(block_ + 2) > 0x1p36) return error(Code::MemoryLimitExceeded, "%lld keys are too many", (long long)s.keys);
  c.need_scratch(gemm_scratch_ + (block_ + 1) * row_keys_ * 4);
  if (packs_) {
    packed_k_bytes_ = round_up(int64_t(kernels_->packed_b_bytes(s.keys, s.depth)), 64);
    packed_v_bytes_ = round_up(int64_t(kernels_->packed_b_bytes(s.value_depth, s.keys)), 64);
    packed_at_ = *shared;
    *shared += s.batch * s.kv_heads * (packed_k_bytes_ + packed_v_bytes_);
  }
  ns_per_block_ = double(block_) * (double(macs) / kMacsPerNs + double(s.keys) * (rounds() ? 6 : 1.2)) + 200;
  return {};
}

AttentionCore::Range AttentionCore::keys_of(const Operands& o, int64_t batch, int64_t row) const {
  Range range{0, shape.keys};
  if (o.valid_keys) range.end = std::clamp<int64_t>(o.valid_keys[batch], 0, shape.keys);
  if (mask_keys >= 0) range.end = std::min(range.end, mask_keys);
  int64_t position = row + (o.offsets ? o.offsets[batch] : o.offset);
  if (is_causal) range.end = std::min(range.end, position + 1);
  if (right_window >= 0) range.end = std::min(range.end, position + right_window + 1);
  if (left_window >= 0 && position > left_window) range.begin = position - left_window;
  range.end = std::max<int64_t>(range.end, 0);
  range.begin = std::min(range.begin, range.end);
  return range;
}

// Keys and values of each kv head, transposed where needed into the product's panels.
Status AttentionCore::pack(OpRun& r, const Operands& o) const {
  const AttentionShape& s = shape;
  const int64_t panel = kernels_->blocking.panel, key_panels = ceil_div(s.keys, panel), panels = key_panels + ceil_div(s.value_depth, panel);
  double ns = double(s.keys) * double(s.depth + s.value_depth) * 0.3 / double(std::max<int64_t>(panels, 1)) + 10;
  return r.parallel(s.batch * s.kv_heads * panels, ns, [&](int64_t begin, int64_t end, int) {
    for (int64_t item = begin; item < end;) {
      const int64_t i = item / panels, first = item % panels, last = std::min(panels, first + end - item);
      char* to = r.shared_scratch() + packed_at_ + i * (packed_k_bytes_ + packed_v_bytes_);
      const float* k = o.k + offset_of(s.k, i / s.kv_heads, i % s.kv_heads);
      const float* v = o.v + offset_of(s.v, i / s.kv_heads, i % s.kv_heads);
      if (first < key_panels) kernels_->pack_b({k, GemmType::f32, s.k.column, s.k.row}, s.keys, s.depth, first, std::min(last, key_panels), to);
      if (last > key_panels)
        kernels_->pack_b({v, GemmType::f32, s.v.row, s.v.column}, s.value_depth, s.keys, std::max(first, key_panels) - key_panels, last - key_panels,
                         to + packed_k_bytes_);
      item += last - first;
    }
  });
}

Status AttentionCore::run(OpRun& r, const Operands& o) const {
  const AttentionShape& s = shape;
  if (packs_) ENGINE_TRY(pack(r, o));
  return r.parallel(s.batch * s.heads * blocks_, ns_per_block_, [&](int64_t begin, int64_t end, int worker) {
    for (int64_t i = begin; i < end; ++i) run_block(r, o, i / blocks_ / s.heads, i / blocks_ % s.heads, i % blocks_, worker);
  });
}

// In steps of about kBlockMacs over the columns, or over the terms; false when the call must stop.
bool AttentionCore::multiply(OpRun& r, int worker, const GemmF32& g, bool by_terms, void* scratch) const {
  int64_t unit = by_terms ? gemm_k_block(g.k) : kernels_->blocking.panel, size = by_terms ? g.k : g.n;
  int64_t macs = std::max(g.m, kLeastRows) * unit * (by_terms ? round_up(g.n, kernels_->blocking.panel) : g.k);
  int64_t step = std::max<int64_t>(1, kBlockMacs / std::max<int64_t>(macs, 1)) * unit;
  return within_item(r, worker, std::max<int64_t>(size, 1), step, [&](int64_t begin, int64_t end) {
    end = std::min(end, size);
    kernels_->run(g, by_terms ? GemmTile{0, g.m, 0, g.n, begin, end} : GemmTile{0, g.m, begin, end, 0, g.k}, scratch);
  });
}

void AttentionCore::run_block(OpRun& r, const Operands& o, int64_t batch, int64_t head, int64_t block, int worker) const {
  const AttentionShape& s = shape;
  int64_t row0 = block * block_, rows = std::min(block_, s.rows - row0), kv_head = head / (s.heads / s.kv_heads);
  char* scratch = r.scratch(worker);
  float* scores = reinterpret_cast<float*>(scratch + gemm_scratch_);
  const char* packed = r.shared_scratch() + packed_at_ + (batch * s.kv_heads + kv_head) * (packed_k_bytes_ + packed_v_bytes_);

  GemmF32 g{};
  g.m = rows, g.n = s.keys, g.k = s.depth;
  g.alpha = scale;
  g.a = o.q + offset_of(s.q, batch, head) + row0 * s.q.row, g.a_row = s.q.row, g.a_col = s.q.column;
  if (packs_) g.packed_b = packed;
  else g.b = o.k + offset_of(s.k, batch, kv_head), g.b_row = s.k.column, g.b_col = s.k.row;
  g.c = scores, g.c_stride = row_keys_;
  if (!multiply(r, worker, g, false, scratch)) return;

  for (int64_t i = 0; i < rows; ++i)
    finish_row(o, batch, head, row0 + i, s.keys, scores + i * row_keys_, scores + block_ * row_keys_);

  GemmF32 p{};
  p.m = rows, p.n = s.value_depth, p.k = s.keys;
  p.alpha = 1;
  p.a = scores, p.a_row = row_keys_, p.a_col = 1;
  if (packs_) p.packed_b = packed + packed_k_bytes_;
  else p.b = o.v + offset_of(s.v, batch, kv_head), p.b_row = s.v.row, p.b_col = s.v.column;
  p.c = o.y + offset_of(s.y, batch, head) + row0 * s.y.row, p.c_stride = s.y.row;
  if (!goes_on(r, worker)) return;
  multiply(r, worker, p, true, scratch);
}

// The mask's values of one row as floats, null when there are none.
const float* AttentionCore::mask_of(const Operands& o, int64_t batch, int64_t head, int64_t row, Range range, int64_t, float* to) const {
  if (mask == AttentionMask::None) return nullptr;
  const HeadStrides& m = shape.mask;
  int64_t at = offset_of(m, batch, head) + row * m.row;
  if (mask == AttentionMask::Float && m.column == 1) return static_cast<const float*>(o.mask) + at;
  for (int64_t j = range.begin; j < range.end; ++j) {
    int64_t i = at + j * m.column;
    to[j] = mask == AttentionMask::Float ? static_cast<const float*>(o.mask)[i] : static_cast<const uint8_t*>(o.mask)[i] ? 0.0f : -INFINITY;
  }
  return to;
}

void AttentionCore::cap(float* scores, int64_t keys) const {
  const ElementwiseKernels& e = elementwise_kernels();
  float limit = softcap;
  if (rounds()) {
    steps_.round(&limit, 1);
    binary_kernel(ElementType::f32, BinaryOp::div, Broadcast::scalar_right)(scores, &limit, scores, size_t(keys));
    steps_.round(scores, keys);
  } else {
    e.unary[int(UnaryOp::mul_scalar)](scores, scores, size_t(keys), {1.0f / limit, 0});
  }
  e.unary[int(UnaryOp::tanh)](scores, scores, size_t(keys), {});
  if (rounds()) steps_.round(scores, keys);
  e.unary[int(UnaryOp::mul_scalar)](scores, scores, size_t(keys), {limit, 0});
  if (rounds()) steps_.round(scores, keys);
}

void AttentionCore::softmax(float* scores, const float* bias, int64_t n) const {
  if (rounds() && softmax_dtype != DType::Float) {
    if (softmax_dtype != dtype) stepwise_softmax_.round(scores, n);
    stepwise_softmax_.row(scores, n);
  } else {
    SoftmaxRows one{};
    one.x = one.y = scores;
    one.rows = 1, one.n = size_t(n), one.scale = 1;
    one.mask = bias;
    softmax_kernels().softmax_rows(one);
  }
  if (rounds() && softmax_dtype != dtype) steps_.round(scores, n);
}

void AttentionCore::finish_row(const Operands& o, int64_t batch, int64_t head, int64_t row, int64_t keys, float* scores, float* mask_row) const {
  float* shown = o.scores ? o.scores + ((batch * shape.heads + head) * shape.rows + row) * keys : nullptr;
  auto show = [&](AttentionStage at) {
    if (shown && stage == at) std::memcpy(shown, scores, size_t(keys) * sizeof(float));
  };
  if (rounds()) steps_.round(scores, keys);
  show(AttentionStage::Scores);
  if (softcap > 0) cap(scores, keys);
  show(AttentionStage::Capped);
  Range range = keys_of(o, batch, row);
  const float* bias = mask_of(o, batch, head, row, range, keys, mask_row);
  int64_t n = range.end - range.begin;
  const float* term = bias;
  if (rounds() && bias) {
    for (int64_t j = range.begin; j < range.end; ++j) scores[j] += bias[j];
    steps_.round(scores + range.begin, n);
    term = nullptr;
  }
  if (shown && stage == AttentionStage::Masked)
    for (int64_t j = 0; j < keys; ++j)
      shown[j] = j < range.begin || j >= range.end ? -INFINITY : term ? scores[j] + term[j] : scores[j];
  std::fill(scores, scores + range.begin, 0.0f);
  std::fill(scores + range.end, scores + keys, 0.0f);
  if (n > 0) {
    softmax(scores + range.begin, term ? term + range.begin : nullptr, n);
    bool nan = empty_rows != EmptyRows::Nan && std::isnan(scores[range.begin]);
    if (nan && (empty_rows == EmptyRows::AlwaysZero || (bias && only_infinities(bias + range.begin, n))))
      std::fill(scores + range.begin, scores + range.end, 0.0f);
  } else if (empty_rows == EmptyRows::Nan) {
    std::fill(scores, scores + keys, NAN);
  }
  show(AttentionStage::Softmax);
}

}  // namespace engine
