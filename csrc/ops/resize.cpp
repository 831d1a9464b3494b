#include "ops/resize.h"

#include <numeric>

#include "base/checked.h"
#include "ops/axes.h"

namespace engine {
namespace {

constexpr int64_t kChunk = 4096;

// Names of an attribute's values, in the order of the enum.
template <class E>
Status read_choice(const InferContext& c, const char* attribute, const char* fallback, std::initializer_list<const char*> names, E* out) {
  const std::string value = c.attr_string(attribute, fallback);
  int k = 0;
  std::string all;
  for (const char* name : names) {
    if (value == name) {
      *out = E(k);
      return {};
    }
    all += (k++ ? ", " : "") + std::string(name);
  }
  return error(Code::InvalidModel, "%s is '%s'; %s are allowed", attribute, value.c_str(), all.c_str());
}

using WideTypes = TypeList<double, int32_t, uint32_t, int64_t, uint64_t>;

bool computes_wide(DType dtype) { return visit_dtype(WideTypes{}, dtype, []<class T>() {}); }

template <class T, class A>
T narrow(A value) {
  if constexpr (std::is_integral_v<T>) {
    const double d = std::nearbyint(double(value)), low = double(std::numeric_limits<T>::min()), high = double(std::numeric_limits<T>::max());
    if (!(d > low)) return d != d ? T(0) : std::numeric_limits<T>::min();
    return d >= high ? std::numeric_limits<T>::max() : T(d);
  } else {
    return T(value);
  }
}

}  // namespace

template <>
const float* Resize::Pass::weights<float>() const {
  return weight.data();
}
template <>
const double* Resize::Pass::weights<double>() const {
  return wide_weight.data();
}

Status Resize::read_options(const InferContext& c) {
  const bool old = c.opset() < 11 || c.node().op_type == "Upsample";
  if (old) {
    const std::string mode = c.attr_string("mode", "nearest");
    if (mode != "nearest" && mode != "linear" && mode != "bilinear")
      return error(Code::InvalidModel, "mode is '%s'; nearest and linear are allowed", mode.c_str());
    options_.mode = mode == "nearest" ? ResizeMode::Nearest : ResizeMode::Linear;
    options_.coordinates = ResizeCoordinates::Asymmetric;
    options_.rounding = ResizeRounding::Simple;
    return {};
  }
  ENGINE_TRY(read_choice(c, "mode", "nearest", {"nearest", "linear", "cubic"}, &options_.mode));
  ENGINE_TRY(read_choice(c, "coordinate_transformation_mode", "half_pixel",
                         {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize",
                          "tf_half_pixel_for_nn"},
                         &options_.coordinates));
  ENGINE_TRY(read_choice(c, "nearest_mode", "round_prefer_floor", {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"},
                         &options_.rounding));
  options_.cubic_a = c.attr_float("cubic_coeff_a", -0.75f);
  options_.extrapolation = c.attr_float("extrapolation_value", 0);
  options_.antialias = c.attr_int("antialias", 0) != 0;
  options_.exclude_outside = c.attr_int("exclude_outside", 0) != 0;
  if (options_.antialias && options_.mode == ResizeMode::Nearest) return error(Code::InvalidModel, "antialias with mode nearest");
  return {};
}

Status Resize::read_axes(const InferContext& c, int rank) {
  std::vector<int64_t> list = c.attr_ints("axes");
  if (!c.has("axes")) {
    list.resize(size_t(rank));
    std::iota(list.begin(), list.end(), int64_t(0));
  }
  ENGINE_ASSIGN(axes_of_, normalize_axes(list, rank));
  return {};
}

Status Resize::read_scales(const InferContext& c, std::vector<double>* scales) const {
  std::vector<float> given;
  const int rank = int(axes_.size());
  if (c.node().op_type == "Upsample" && c.opset() < 7) {
    given.assign(size_t(rank), 1);
    if (rank != 4) return error(Code::InvalidModel, "the input has %d dimensions; 4 are allowed", rank);
    given[2] = c.attr_float("height_scale", 0);
    given[3] = c.attr_float("width_scale", 0);
  } else if (c.node().op_type == "Upsample" && c.opset() < 9) {
    given = c.attr_floats("scales");
  } else {
    const int input = c.opset() < 11 || c.node().op_type == "Upsample" ? 1 : 2;
    const Tensor* value = c.value(input);
    if (!value) return {};
    for (int64_t i = 0; i < value->elements(); ++i) given.push_back(value->as<float>()[i]);
  }
  if (given.size() != axes_of_.size())
    return error(Code::InvalidModel, "scales has %zu values for %zu axes", given.size(), axes_of_.size());
  scales->assign(axes_.size(), 1);
  for (size_t k = 0; k < given.size(); ++k) {
    if (!(given[k] > 0) || !std::isfinite(given[k])) return error(Code::InvalidModel, "scales has the value %g", double(given[k]));
    (*scales)[size_t(axes_of_[k])] = double(given[k]);
  }
  return {};
}

Status Resize::read_sizes(const InferContext& c, std::vector<int64_t>* sizes, std::vector<double>* scales) const {
  const std::vector<int64_t> given = c.integers(3);
  if (given.size() != axes_of_.size())
    return error(Code::InvalidModel, "sizes has %zu values for %zu axes", given.size(), axes_of_.size());
  const std::string policy = c.attr_string("keep_aspect_ratio_policy", "stretch");
  if (policy != "stretch" && policy != "not_larger" && policy != "not_smaller")
    return error(Code::InvalidModel, "keep_aspect_ratio_policy is '%s'; stretch, not_larger and not_smaller are allowed", policy.c_str());
  scales->assign(axes_.size(), 1);
  sizes->clear();
  for (const ResizeAxis& a : axes_) sizes->push_back(a.in);
  double least = INFINITY, most = 0;
  for (size_t k = 0; k < given.size(); ++k) {
    const size_t axis = size_t(axes_of_[k]);
    if (given[k] < 0) return error(Code::InvalidModel, "sizes has the value %lld", (long long)given[k]);
    (*sizes)[axis] = given[k];
    (*scales)[axis] = axes_[axis].in > 0 ? double(given[k]) / double(axes_[axis].in) : 1;
    least = std::min(least, (*scales)[axis]);
    most = std::max(most, (*scales)[axis]);
  }
  if (policy == "stretch") return {};
  const double scale = policy == "not_larger" ? least : most;
  for (int axis : axes_of_) {
    const double size = std::floor(scale * double(axes_[size_t(axis)].in) + 0.5);
    if (!(size < 9e15)) return error(Code::InvalidModel, "the output is too large");
    (*scales)[size_t(axis)] = scale;
    (*sizes)[size_t(axis)] = int64_t(size);
  }
  return {};
}

Status Resize::read_region(const InferContext& c) {
  if (options_.coordinates != ResizeCoordinates::CropAndResize) return {};
  const Tensor* roi = c.value(1);
  if (!roi) return error(Code::InvalidModel, "tf_crop_and_resize needs roi");
  if (roi->elements() != int64_t(2 * axes_of_.size()))
    return error(Code::InvalidModel, "roi has %lld values for %zu axes", (long long)roi->elements(), axes_of_.size());
  for (size_t k = 0; k < axes_of_.size(); ++k) {
    axes_[size_t(axes_of_[k])].begin = number_at(*roi, int64_t(k));
    axes_[size_t(axes_of_[k])].end = number_at(*roi, int64_t(k + axes_of_.size()));
  }
  return {};
}

Status Resize::choose_dimensions(const InferContext& c, Shape* out, bool* known) {
  const bool modern = c.opset() >= 11 && c.node().op_type != "Upsample";
  auto given = [&](int i) { return c.has_input(i) && !(c.known(i) && c.shape(i).elements() == 0); };
  const bool by_size = modern && given(3);
  if (modern && by_size == given(2)) return error(Code::InvalidModel, "exactly one of scales and sizes must be given");
  if (by_size) ENGINE_TRY(require_integer_list(c, 3));
  if (modern && !by_size) ENGINE_TRY(c.require(2, dtypes::kFloat32));
  if (!modern && c.input_count() > 1) ENGINE_TRY(c.require(1, dtypes::kFloat32));
  if (modern && given(1)) ENGINE_TRY(c.require(1, dtypes::kFloats));
  const bool needs_roi = options_.coordinates == ResizeCoordinates::CropAndResize && given(1) && !c.value(1);
  std::vector<double> scales;
  std::vector<int64_t> sizes;
  if (by_size && c.value(3)) ENGINE_TRY(read_sizes(c, &sizes, &scales));
  if (!by_size) ENGINE_TRY(read_scales(c, &scales));
  *known = !scales.empty() && !needs_roi;
  if (!*known) return {};
  ENGINE_TRY(read_region(c));
  for (size_t i = 0; i < axes_.size(); ++i) {
    ResizeAxis& a = axes_[i];
    a.scale = scales[i];
    if (by_size) a.out = sizes[i];
    else if (a.in != kUnknownDim) {
      const float size = std::floor(float(a.in) * float(a.scale) * float(by_size ? 1 : a.end - a.begin));
      const float plain = std::floor(float(a.in) * float(a.scale));
      const float chosen = options_.coordinates == ResizeCoordinates::CropAndResize ? size : plain;
      if (!(chosen >= 0 && chosen < 9e15f)) return error(Code::InvalidModel, "axis %zu would have %g elements", i, double(chosen));
      a.out = int64_t(chosen);
    } else {
      a.out = scales[i] == 1 ? a.in : kUnknownDim;
    }
    if (a.in == 0 && a.out > 0) return error(Code::InvalidModel, "axis %zu has no elements to resize", i);
    (*out)[int(i)] = a.in == kUnknownDim && by_size && sizes[i] == kUnknownDim ? kUnknownDim : a.out;
  }
  return {};
}

Status Resize::infer(InferContext& c) {
  ENGINE_TRY(c.require(0, dtypes::kAll));
  c.set(0, c.dtype(0));
  ENGINE_TRY(read_options(c));
  if (options_.mode != ResizeMode::Nearest) ENGINE_TRY(c.require(0, dtypes::kNumeric));
  if (!c.has_rank(0)) return {};
  const Shape& in = c.shape(0);
  c.set(0, c.dtype(0), Shape::filled(in.rank(), kUnknownDim));
  axes_.assign(size_t(in.rank()), {});
  for (int i = 0; i < in.rank(); ++i) axes_[size_t(i)].in = in[i];
  ENGINE_TRY(read_axes(c, in.rank()));
  Shape out = Shape::filled(in.rank(), kUnknownDim);
  bool known = false;
  ENGINE_TRY(choose_dimensions(c, &out, &known));
  if (!known) return {};
  c.set(0, c.dtype(0), out);
  bool same = in.known();
  for (const ResizeAxis& a : axes_) same = same && a.same();
  if (same) c.set_view(0, 0);
  return {};
}

Status Resize::prepare(PrepareContext& c) {
  passes_.clear();
  buffer_elements_ = 0;
  if (options_.mode == ResizeMode::Nearest) {
    prepare_nearest(c.output_shape(0));
    return {};
  }
  return prepare_passes(c);
}

void Resize::prepare_nearest(const Shape& out) {
  positions_.clear();
  strides_.clear();
  lengths_.clear();
  run_ = 1;
  if (out.elements() == 0) return;
  std::vector<ResizeAxis> joined;
  for (const ResizeAxis& a : axes_) {
    if (a.same() && !joined.empty() && joined.back().same()) joined.back().in = joined.back().out *= a.in;
    else joined.push_back(a);
  }
  if (joined.back().same()) {
    run_ = joined.back().in;
    joined.pop_back();
  }
  for (const ResizeAxis& a : joined) {
    std::vector<int64_t> at(size_t(a.out));
    for (int64_t x = 0; x < a.out; ++x) at[size_t(x)] = a.same() ? x : nearest_position(options_, a, x);
    positions_.push_back(std::move(at));
    lengths_.push_back(a.out);
  }
  note_repeats();
  strides_.assign(joined.size(), run_);
  for (size_t k = joined.size(); k-- > 1;) strides_[k - 1] = strides_[k] * joined[k].in;
}

void Resize::note_repeats() {
  repeat_ = 0;
  outside_ = false;
  if (positions_.empty()) return;
  const std::vector<int64_t>& at = positions_.back();
  for (int64_t p : at) outside_ = outside_ || p < 0;
  int64_t repeat = 1;
  while (repeat < int64_t(at.size()) && at[size_t(repeat)] == at[0]) ++repeat;
  bool even = kChunk % repeat == 0;
  for (size_t x = 0; even && x < at.size(); ++x) even = at[x] == at[0] + int64_t(x) / repeat;
  if (even) repeat_ = repeat;
}

// to[x] = from[at[x]] for x in [0, n). `repeat` > 0: at[x] == at[0] + x / repeat.
template <class T>
static void show_nearest(const T* from, const int64_t* at, int64_t repeat, T* to, int64_t n) {
  int64_t x = 0;
  if (repeat == 2) {
    const T* source = from + at[0];
    for (int64_t i = 0; i < n / 2; ++i) to[2 * i] = to[2 * i + 1] = source[i];
    x = n / 2 * 2;
  } else if (repeat > 2) {
    for (; x + repeat <= n; x += repeat) std::fill_n(to + x, repeat, from[at[x]]);
  }
  for (; x < n; ++x) to[x] = from[at[x]];
}

template <class T>
Status Resize::run_nearest(OpRun& r) const {
  const T* in = r.in<T>(0);
  T* out = r.out<T>(0);
  T value{};
  visit_dtype(NumericTypes{}, r.in(0).dtype, [&]<class N>() {
    if constexpr (sizeof(N) == sizeof(T)) {
      const N number = narrow<N>(options_.extrapolation);
      std::copy_n(reinterpret_cast<const char*>(&number), sizeof(T), reinterpret_cast<char*>(&value));
    }
  });
  if (positions_.empty()) return copy_input(r, 0, 0);
  const size_t outer = positions_.size() - 1;
  const int64_t width = lengths_.back(), chunks = ceil_div(width, kChunk), last_stride = strides_.back();
  const int64_t* last = positions_.back().data();
  int64_t rows = 1;
  for (size_t i = 0; i < outer; ++i) rows *= lengths_[i];
  const double per_element = 0.7 + move_ns(r.in(0).dtype) * double(run_);
  return r.parallel(rows * chunks, 10 + per_element * double(std::min(width, kChunk)), [&](int64_t begin, int64_t end, int) {
    const T* before = nullptr;
    for (int64_t item = begin; item < end; ++item) {
      int64_t row = item / chunks, rest = row, offset = 0;
      bool inside = true;
      for (size_t i = outer; i-- > 0;) {
        const int64_t p = positions_[i][size_t(rest % lengths_[i])];
        rest /= lengths_[i];
        inside = inside && p >= 0;
        offset += p * strides_[i];
      }
      const int64_t first = item % chunks * kChunk, stop = std::min(width, first + kChunk);
      T* to = out + row * width * run_;
      if (!inside) {
        before = nullptr;
        std::fill(to + first * run_, to + stop * run_, value);
        continue;
      }
      const T* from = in + offset;
      if (item > begin && from == before && item % chunks == 0 && chunks == 1) {
        copy_run(to - width * run_, to, width * run_);
        continue;
      }
      before = from;
      if (run_ == 1 && !outside_) {
        show_nearest(from, last + first, repeat_, to + first, stop - first);
        continue;
      }
      for (int64_t x = first; x < stop; ++x) {
        if (last[x] < 0) std::fill_n(to + x * run_, run_, value);
        else copy_run(from + last[x] * last_stride, to + x * run_, run_);
      }
    }
  });
}

Status Resize::prepare_passes(PrepareContext& c) {
  wide_ = computes_wide(c.dtype(0));
  converts_ = c.dtype(0) != (wide_ ? DType::Double : DType::Float);
  std::vector<int> order;
  for (int i = int(axes_.size()) - 1; i >= 0; --i)
    if (!axes_[size_t(i)].same()) order.push_back(i);
  if (c.output_shape(0).elements() == 0) return {};
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    return double(axes_[size_t(a)].out) / double(axes_[size_t(a)].in) < double(axes_[size_t(b)].out) / double(axes_[size_t(b)].in);
  });
  Shape shape = c.shape(0);
  buffer_elements_ = converts_ ? shape.elements() : 0;
  for (size_t k = 0; k < order.size(); ++k) {
    const int axis = order[k];
    const ResizeAxis& a = axes_[size_t(axis)];
    ResizeTaps taps = make_taps(options_, a);
    Pass p;
    p.outer = shape.elements(0, axis);
    p.in = a.in;
    p.out = a.out;
    p.inner = shape.elements(axis + 1, shape.rank());
    p.taps = taps.taps;
    p.index = std::move(taps.index);
    if (wide_) p.wide_weight = std::move(taps.weight);
    else p.weight.assign(taps.weight.begin(), taps.weight.end());
    passes_.push_back(std::move(p));
    shape[axis] = a.out;
    if (k + 1 < order.size() || converts_) {
      ENGINE_ASSIGN([[maybe_unused]] int64_t bytes, checked_bytes(shape, 16));
      buffer_elements_ = std::max(buffer_elements_, shape.elements());
    }
  }
  const int buffers = converts_ ? 2 : std::min(2, int(order.size()) - 1);
  c.need_shared_scratch(std::max(0, buffers) * buffer_elements_ * (wide_ ? 8 : 4));
  return {};
}

template <class A>
Status Resize::run_pass(OpRun& r, const Pass& p, const A* in, A* out) const {
  const A* weights = p.weights<A>();
  const A value = A(options_.extrapolation);
  const int64_t taps = p.taps;
  if (p.inner == 1) {
    const int64_t chunks = ceil_div(p.out, kChunk);
    const double ns = 4 + (1 + 0.6 * double(taps)) * double(std::min(p.out, kChunk));
    return r.parallel(p.outer * chunks, ns, [&](int64_t begin, int64_t end, int) {
      for (int64_t item = begin; item < end; ++item) {
        const int64_t row = item / chunks, first = item % chunks * kChunk, stop = std::min(p.out, first + kChunk);
        const A* from = in + row * p.in;
        A* to = out + row * p.out;
        for (int64_t x = first; x < stop; ++x) {
          const int64_t* at = &p.index[size_t(x * taps)];
          const A* w = weights + x * taps;
          if (at[0] < 0) {
            to[x] = value;
          } else if (taps == 2) {
            to[x] = from[at[0]] * w[0] + from[at[1]] * w[1];
          } else {
            A sum = 0;
            for (int64_t t = 0; t < taps; ++t) sum += from[at[t]] * w[t];
            to[x] = sum;
          }
        }
      }
    });
  }
  const int64_t chunks = ceil_div(p.inner, kChunk);
  const double ns = 6 + (0.2 + 0.2 * double(taps)) * double(std::min(p.inner, kChunk));
  return r.parallel(p.outer * p.out * chunks, ns, [&](int64_t begin, int64_t end, int) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t row = item / chunks, x = row % p.out, first = item % chunks * kChunk, n = std::min(p.inner - first, kChunk);
      const A* from = in + row / p.out * p.in * p.inner + first;
      A* to = out + row * p.inner + first;
      const int64_t* at = &p.index[size_t(x * taps)];
      const A* w = weights + x * taps;
      if (at[0] < 0) {
        std::fill_n(to, n, value);
        continue;
      }
      const A *a = from + at[0] * p.inner, *b = from + at[1] * p.inner;
      const A wa = w[0], wb = w[1];
      for (int64_t i = 0; i < n; ++i) to[i] = a[i] * wa + b[i] * wb;
      for (int64_t t = 2; t < taps; ++t) {
        const A* more = from + at[t] * p.inner;
        const A wt = w[t];
        for (int64_t i = 0; i < n; ++i) to[i] += more[i] * wt;
      }
    }
  });
}

template <class A>
Status Resize::run_passes(OpRun& r) const {
  A* buffers[2] = {r.shared_scratch<A>(), r.shared_scratch<A>() + buffer_elements_};
  int next = 0;
  const DType dtype = r.in(0).dtype;
  if (passes_.empty()) return copy_input(r, 0, 0);
  const A* from = r.in<A>(0);
  if (converts_) {
    Status status;
    A* to = buffers[next];
    visit_dtype(NumericTypes{}, dtype, [&]<class T>() {
      const T* in = r.in<T>(0);
      status = r.parallel(r.in(0).elements(), 1, [&](int64_t b, int64_t e, int) {
        for (int64_t i = b; i < e; ++i) to[i] = A(in[i]);
      });
    });
    ENGINE_TRY(std::move(status));
    from = to;
    next ^= 1;
  }
  for (size_t k = 0; k < passes_.size(); ++k) {
    A* to = k + 1 < passes_.size() || converts_ ? buffers[next] : r.out<A>(0);
    ENGINE_TRY(run_pass(r, passes_[k], from, to));
    from = to;
    next ^= 1;
  }
  if (!converts_) return {};
  Status status;
  visit_dtype(NumericTypes{}, dtype, [&]<class T>() {
    T* out = r.out<T>(0);
    status = r.parallel(r.out(0).elements(), 3, [&](int64_t b, int64_t e, int) {
      for (int64_t i = b; i < e; ++i) out[i] = narrow<T>(from[i]);
    });
  });
  return status;
}

Status Resize::run(OpRun& r) const {
  if (r.out(0).elements() == 0) return {};
  if (options_.mode != ResizeMode::Nearest) return wide_ ? run_passes<double>(r) : run_passes<float>(r);
  Status status;
  visit_element(r.in(0).dtype, [&]<class T>() { status = run_nearest<T>(r); });
  return status;
}

void op_resize(OpTable& t) {
  t.add<Resize>("", "Resize", 10, 2, 2);
  t.add<Resize>("", "Resize", 11, 3, 4);
  for (int since : {13, 18, 19}) t.add<Resize>("", "Resize", since, 1, 4);
}

}  // namespace engine
