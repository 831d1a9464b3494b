#include <algorithm>

#include "base/checked.h"
#include "ops/axes.h"
#include "ops/element.h"

namespace engine {
namespace {

enum class PadMode : uint8_t { Constant, Reflect, Edge, Wrap };

// One axis: input elements [first, first + kept) have `before` positions before them and `after` behind.
struct PadAxis {
  int64_t length = 0, first = 0, kept = 0, before = 0, after = 0, stride = 0;

  int64_t out() const { return before + kept + after; }
  bool plain() const { return before == 0 && after == 0 && kept == length; }

  // The input position that output position `at` shows; -1 for the constant.
  int64_t source(int64_t at, PadMode mode) const {
    int64_t i = at - before;
    if (i >= 0 && i < kept) return first + i;
    switch (mode) {
      case PadMode::Constant: return -1;
      case PadMode::Edge: return first + (i < 0 ? 0 : kept - 1);
      case PadMode::Wrap: return first + (i % kept + kept) % kept;
      case PadMode::Reflect: {
        if (kept == 1) return first;
        int64_t period = 2 * (kept - 1), k = (i % period + period) % period;
        return first + (k < kept ? k : period - k);
      }
    }
    return -1;
  }
};

// `axes` with neighbours joined where no padding comes between them, for long rows.
std::vector<PadAxis> join_axes(const std::vector<PadAxis>& axes, PadMode mode) {
  std::vector<PadAxis> out;
  for (const PadAxis& a : axes) {
    if (!out.empty() && a.plain() && (mode == PadMode::Constant || out.back().plain())) {
      PadAxis& before = out.back();
      for (int64_t* n : {&before.length, &before.first, &before.kept, &before.before, &before.after}) *n *= a.length;
    } else {
      out.push_back(a);
    }
  }
  if (out.empty()) out.push_back({1, 0, 1, 0, 0, 1});
  int64_t stride = 1;
  for (size_t i = out.size(); i-- > 0;) {
    out[i].stride = stride;
    stride *= out[i].length;
  }
  return out;
}

class Pad final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kAll));
    c.set(0, c.dtype(0));
    ENGINE_TRY(read_mode(c));
    inputs_ = c.opset() >= 11 || c.node().domain == "com.microsoft";
    if (c.has_input(2)) {
      ENGINE_TRY(c.require_same(0, 2));
      ENGINE_TRY(require_scalar(c, 2));
    }
    if (!inputs_) {
      ENGINE_TRY(c.require(0, dtypes::kNumeric));
      value_ = c.attr_float("value", 0);
    }
    std::vector<int64_t> pads, list;
    ENGINE_ASSIGN(ListState pads_state, read_list(c, inputs_, 1, c.has("paddings") ? "paddings" : "pads", &pads));
    ENGINE_ASSIGN(ListState axes_state, read_list(c, true, 3, "", &list));
    if (pads_state == ListState::Absent) return error(Code::InvalidModel, "pads are missing");
    if (!c.has_rank(0)) return {};
    const Shape& in = c.shape(0);
    c.set(0, c.dtype(0), Shape::filled(in.rank(), kUnknownDim));
    if (pads_state == ListState::Unknown || axes_state == ListState::Unknown) return {};
    if (axes_state == ListState::Absent)
      for (int i = 0; i < in.rank(); ++i) list.push_back(i);
    ENGINE_ASSIGN(std::vector<int> axes, normalize_axes(list, in.rank()));
    if (pads.size() != 2 * axes.size())
      return error(Code::InvalidModel, "pads has %zu values for %zu axes", pads.size(), axes.size());
    return take(c, pads, axes);
  }

  Status prepare(PrepareContext&) override {
    joined_ = join_axes(axes_, mode_);
    return {};
  }

  Status run(OpRun& r) const override {
    Status status;
    DType dtype = r.in(0).dtype;
    if (!inputs_ && value_ != 0) {
      visit_dtype(NumericTypes{}, dtype, [&]<class T>() { status = fill<T>(r, T(value_)); });
      return status;
    }
    visit_element(dtype, [&]<class T>() { status = fill<T>(r, r.has(2) ? *r.in<T>(2) : T()); });
    return status;
  }

 private:
  Status read_mode(const InferContext& c) {
    const std::string mode = c.attr_string("mode", "constant");
    if (mode == "constant") mode_ = PadMode::Constant;
    else if (mode == "reflect") mode_ = PadMode::Reflect;
    else if (mode == "edge") mode_ = PadMode::Edge;
    else if (mode == "wrap") mode_ = PadMode::Wrap;
    else return error(Code::InvalidModel, "mode is '%s'; constant, reflect, edge and wrap are allowed", mode.c_str());
    return {};
  }

  Status take(InferContext& c, const std::vector<int64_t>& pads, const std::vector<int>& axes) {
    const Shape& in = c.shape(0);
    Shape out = in;
    axes_.assign(size_t(in.rank()), {});
    for (int i = 0; i < in.rank(); ++i) axes_[size_t(i)].length = axes_[size_t(i)].kept = in[i];
    for (size_t k = 0; k < axes.size(); ++k) {
      PadAxis& a = axes_[size_t(axes[k])];
      int64_t before = pads[k], after = pads[k + axes.size()];
      a.before = std::max<int64_t>(before, 0);
      a.after = std::max<int64_t>(after, 0);
      if (a.length == kUnknownDim) {
        if (before != 0 || after != 0) out[axes[k]] = kUnknownDim;
        continue;
      }
      a.first = std::max(-a.length, std::min<int64_t>(before, 0)) * -1;
      a.kept = a.length - a.first + std::max(-a.length, std::min<int64_t>(after, 0));
      int64_t sum = 0;
      if (a.kept < 0 || before < -a.length || after < -a.length || !checked_add(a.before, a.after, &sum) || !checked_add(sum, a.kept, &sum))
        return error(Code::InvalidModel, "pads %lld and %lld do not fit axis %d of shape %s", (long long)before, (long long)after, axes[k],
                     in.text().c_str());
      if (mode_ != PadMode::Constant && a.kept == 0 && sum > 0)
        return error(Code::InvalidModel, "axis %d has no elements to pad with", axes[k]);
      out[axes[k]] = sum;
    }
    c.set(0, c.dtype(0), out);
    bool plain = in.known();
    for (const PadAxis& a : axes_) plain = plain && a.plain();
    if (plain) c.set_view(0, 0);
    return {};
  }

  // Output positions [begin, end) of one row; `from` is null when the row is all constant.
  template <class T>
  void fill_row(const T* from, T* out, int64_t begin, int64_t end, const T& value) const {
    const PadAxis& a = joined_.back();
    auto pad = [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) {
        int64_t s = from ? a.source(i, mode_) : -1;
        out[i] = s < 0 ? value : from[s];
      }
    };
    if (!from || (mode_ == PadMode::Constant && (end <= a.before || begin >= a.before + a.kept))) {
      std::fill(out + begin, out + end, value);
      return;
    }
    int64_t left = std::clamp(a.before, begin, end), right = std::clamp(a.before + a.kept, left, end);
    pad(begin, left);
    if (right > left) copy_run(from + a.first + (left - a.before), out + left, right - left);
    pad(right, end);
  }

  template <class T>
  Status fill(OpRun& r, const T& value) const {
    constexpr int64_t kChunk = 16384;
    const T* in = r.in<T>(0);
    T* out = r.out<T>(0);
    const int outer = int(joined_.size()) - 1;
    const int64_t width = joined_.back().out(), chunks = ceil_div(width, kChunk);
    int64_t rows = 1;
    for (int i = 0; i < outer; ++i) rows *= joined_[size_t(i)].out();
    double ns = 10 + 5 * outer + (move_ns(r.in(0).dtype) + 0.2) * double(std::min(width, kChunk));
    return r.parallel(rows * chunks, ns, [&](int64_t begin, int64_t end, int) {
      for (int64_t item = begin; item < end; ++item) {
        int64_t row = item / chunks, chunk = item % chunks, rest = row, offset = 0;
        bool constant = false;
        for (int i = outer - 1; i >= 0; --i) {
          const PadAxis& a = joined_[size_t(i)];
          int64_t s = a.source(rest % a.out(), mode_);
          rest /= a.out();
          constant = constant || s < 0;
          offset += s * a.stride;
        }
        fill_row(constant ? nullptr : in + offset, out + row * width, chunk * kChunk, std::min(width, (chunk + 1) * kChunk), value);
      }
    });
  }

  PadMode mode_ = PadMode::Constant;
  bool inputs_ = true;
  float value_ = 0;
  std::vector<PadAxis> axes_, joined_;
};

}  // namespace

void op_pad(OpTable& t) {
  for (int since : {1, 2}) t.add<Pad>("", "Pad", since, 1, 1);
  for (int since : {11, 13}) t.add<Pad>("", "Pad", since, 2, 3);
  for (int since : {18, 19, 21, 23, 24, 25}) t.add<Pad>("", "Pad", since, 2, 4);
  t.add<Pad>("com.microsoft", "Pad", 1, 2, 3);
}

}  // namespace engine
