#include "base/checked.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_typed.h"
#include "ops/einsum_plan.h"
#include "ops/pieces.h"
#include "ops/product/product.h"

namespace engine {
namespace {

int64_t product_of(const EinsumLabels& labels, const EinsumEquation& e) {
  int64_t n = 1;
  for (int label : labels) n *= e.sizes[size_t(label)];
  return n;
}

}  // namespace

EinsumView EinsumPlan::contiguous(EinsumPlace place, int64_t index, const EinsumLabels& labels) const {
  EinsumView v{place, index, labels, std::vector<int64_t>(labels.size())};
  int64_t stride = 1;
  for (size_t i = labels.size(); i-- > 0;) {
    v.strides[i] = stride;
    stride *= size(labels[i]);
  }
  return v;
}

EinsumView EinsumPlan::input_view(size_t i) const {
  EinsumView v{EinsumPlace::Input, int64_t(i), {}, {}};
  int64_t strides[kMaxRank];
  contiguous_strides(shapes_[i], strides);
  for (int d = 0; d < shapes_[i].rank(); ++d) {
    const int label = e_.inputs[i][size_t(d)];
    const int64_t stride = shapes_[i][d] == 1 ? 0 : strides[d];
    size_t at = size_t(std::find(v.labels.begin(), v.labels.end(), label) - v.labels.begin());
    if (at == v.labels.size()) {
      v.labels.push_back(label);
      v.strides.push_back(0);
    }
    v.strides[at] += stride;
  }
  return v;
}

EinsumView EinsumPlan::output_view() const { return contiguous(EinsumPlace::Output, 0, e_.output); }

Result<EinsumView> EinsumPlan::new_scratch(const EinsumLabels& labels) {
  if (labels.size() > size_t(kMaxRank)) return error(Code::UnsupportedOperator, "an intermediate result has %zu dimensions", labels.size());
  Shape shape;
  for (int label : labels) shape.push_back(size(label));
  ENGINE_ASSIGN(int64_t elements, checked_bytes(shape, 1));
  EinsumView v = contiguous(EinsumPlace::Scratch, scratch_, labels);
  if (!checked_add(scratch_, round_up(elements, 16), &scratch_) || scratch_ > INT64_MAX / 64)
    return error(Code::InvalidModel, "intermediate results are too large");
  return v;
}

void EinsumPlan::add_sum(const EinsumView& from, const EinsumView& to) {
  EinsumStep step;
  step.sum.from = from;
  step.sum.to = to;
  for (int label : to.labels) step.sum.kept.add(size(label), from.stride(label));
  for (size_t i = 0; i < from.labels.size(); ++i)
    if (!to.has(from.labels[i])) step.sum.summed.add(size(from.labels[i]), from.strides[i]);
  steps_.push_back(std::move(step));
}

Result<EinsumView> EinsumPlan::drop_unused(EinsumView from, const EinsumView& other, const EinsumLabels& keep) {
  EinsumLabels left;
  for (int label : from.labels)
    if (other.has(label) || std::count(keep.begin(), keep.end(), label)) left.push_back(label);
  if (left.size() == from.labels.size()) return from;
  ENGINE_ASSIGN(EinsumView to, new_scratch(left));
  add_sum(from, to);
  return to;
}

bool EinsumPlan::as_one(const EinsumView& view, const EinsumLabels& labels, int64_t* stride) const {
  *stride = 0;
  int64_t expected = -1;
  for (size_t i = labels.size(); i-- > 0;) {
    if (size(labels[i]) == 1) continue;
    const int64_t s = view.stride(labels[i]);
    if (expected < 0) *stride = s;
    else if (s != expected) return false;
    expected = s * size(labels[i]);
  }
  return true;
}

bool EinsumPlan::fits_output(const EinsumLabels& rows, const EinsumLabels& columns, int64_t* row_stride) const {
  const EinsumView out = output_view();
  int64_t column_stride = 0;
  return as_one(out, rows, row_stride) && as_one(out, columns, &column_stride) && column_stride <= 1;
}

Result<EinsumView> EinsumPlan::multiply(EinsumView a, EinsumView b, const EinsumLabels& keep, bool last) {
  ENGINE_ASSIGN(a, drop_unused(a, b, keep));
  ENGINE_ASSIGN(b, drop_unused(b, a, keep));
  auto kept = [&](int label) { return std::count(keep.begin(), keep.end(), label) > 0; };
  auto in_output_order = [&](const EinsumView& x, const EinsumView& y) {
    EinsumLabels out;
    for (int label : e_.output)
      if (x.has(label) && !y.has(label)) out.push_back(label);
    for (int label : x.labels)
      if (!y.has(label) && !std::count(out.begin(), out.end(), label)) out.push_back(label);
    return out;
  };
  EinsumLabels rows = in_output_order(a, b), columns = in_output_order(b, a), batch, inner;
  for (int label : a.labels)
    if (b.has(label)) (kept(label) ? batch : inner).push_back(label);
  int64_t row_stride = 0;
  bool direct = last && fits_output(rows, columns, &row_stride);
  if (last && !direct && fits_output(columns, rows, &row_stride)) {
    std::swap(a, b);
    std::swap(rows, columns);
    direct = true;
  }
  EinsumProduct p;
  auto ordered = [&](const EinsumLabels& second, const EinsumLabels& third) {
    EinsumLabels out = batch;
    out.insert(out.end(), second.begin(), second.end());
    out.insert(out.end(), third.begin(), third.end());
    return out;
  };
  if (!as_one(a, rows, &p.a_row) || !as_one(a, inner, &p.a_col)) {
    ENGINE_ASSIGN(EinsumView to, new_scratch(ordered(rows, inner)));
    add_sum(a, to);
    a = to;
    as_one(a, rows, &p.a_row);
    as_one(a, inner, &p.a_col);
  }
  if (!as_one(b, inner, &p.b_row) || !as_one(b, columns, &p.b_col)) {
    ENGINE_ASSIGN(EinsumView to, new_scratch(ordered(inner, columns)));
    add_sum(b, to);
    b = to;
    as_one(b, inner, &p.b_row);
    as_one(b, columns, &p.b_col);
  }
  EinsumView c = output_view();
  p.m = product_of(rows, e_);
  p.n = product_of(columns, e_);
  p.k = product_of(inner, e_);
  p.c_row = row_stride;
  if (!direct) {
    ENGINE_ASSIGN(c, new_scratch(ordered(rows, columns)));
    p.c_row = p.n;
  }
  for (int label : batch) {
    p.batch_a.add(size(label), a.stride(label));
    p.batch_b.add(size(label), b.stride(label));
    p.batch_c.add(size(label), c.stride(label));
  }
  p.a = std::move(a);
  p.b = std::move(b);
  p.c = c;
  EinsumStep step;
  step.is_product = true;
  step.product = std::move(p);
  steps_.push_back(std::move(step));
  return c;
}

Result<std::vector<EinsumStep>> EinsumPlan::build() {
  EinsumView current = input_view(0);
  for (size_t i = 1; i < e_.inputs.size(); ++i) {
    EinsumLabels keep = e_.output;
    for (size_t later = i + 1; later < e_.inputs.size(); ++later) keep.insert(keep.end(), e_.inputs[later].begin(), e_.inputs[later].end());
    ENGINE_ASSIGN(current, multiply(current, input_view(i), keep, i + 1 == e_.inputs.size()));
  }
  if (current.place != EinsumPlace::Output) add_sum(current, output_view());
  return std::move(steps_);
}

namespace {

// The type that elements are computed in.
DType compute_dtype(DType dtype) {
  if (contains(dtype_set(DType::Float, DType::Float16, DType::BFloat16), dtype)) return DType::Float;
  if (dtype == DType::Double) return DType::Double;
  return dtype_size(dtype) == 8 ? DType::Uint64 : DType::Uint32;
}

template <class A>
GemmTiling tiling_of(const EinsumProduct& p, int threads) {
  const bool pack_a = p.a_col != 1;
  if constexpr (std::is_same_v<A, float>) return gemm_tiling(gemm_kernels().blocking, p.m, p.n, p.k, threads, pack_a, true);
  else if constexpr (std::is_same_v<A, double>) return gemm_tiling(gemm_typed_kernels().f64.blocking, p.m, p.n, p.k, threads, false, true);
  else if constexpr (std::is_same_v<A, uint32_t>) return gemm_tiling(gemm_typed_kernels().u32.blocking, p.m, p.n, p.k, threads, false, true);
  else return gemm_tiling(gemm_typed_kernels().u64.blocking, p.m, p.n, p.k, threads, false, true);
}

template <class A>
void run_tile(const EinsumProduct& p, const A* a, const A* b, A* c, int64_t tile, void* scratch) {
  std::conditional_t<std::is_same_v<A, float>, GemmF32, GemmTyped<A>> g{};
  g.m = p.m;
  g.n = p.n;
  g.k = p.k;
  g.alpha = 1;
  g.a = a;
  g.a_row = p.a_row;
  g.a_col = p.a_col;
  g.b = b;
  g.b_row = p.b_row;
  g.b_col = p.b_col;
  g.c = c;
  g.c_stride = p.c_row;
  for (int64_t step = 0; step < p.tiling.k_steps; ++step) {
    const GemmTile t = gemm_tile(p.tiling, tile, step);
    if constexpr (std::is_same_v<A, float>) gemm_kernels().run(g, t, scratch);
    else if constexpr (std::is_same_v<A, double>) gemm_typed_kernels().f64.run(g, t, scratch);
    else if constexpr (std::is_same_v<A, uint32_t>) gemm_typed_kernels().u32.run(g, t, scratch);
    else gemm_typed_kernels().u64.run(g, t, scratch);
  }
}

using ComputeTypes = TypeList<float, double, uint32_t, uint64_t>;

constexpr int64_t kPiece = 16384;  // terms of a sum between looks at the clock
constexpr double kMacsPerNs = 16;
constexpr int64_t kFewMacs = 256;  // smaller products are computed by plain loops

bool is_small(const EinsumProduct& p) {
  return p.k == 0 || p.m * p.n <= 4 || (p.k <= kFewMacs && p.m * p.n <= kFewMacs && p.m * p.n * p.k <= kFewMacs);
}

class Einsum final : public Op {
 public:
  Status infer(InferContext& c) override {
    bool ranks = true;
    for (int i = 0; i < c.input_count(); ++i) {
      ENGINE_TRY(c.require(i, dtypes::kNumeric));
      ENGINE_TRY(c.require_same(0, i));
      ranks = ranks && c.has_rank(i);
    }
    c.set(0, c.dtype(0));
    if (!ranks) return {};
    ENGINE_ASSIGN(equation_, read_einsum(c));
    Shape out;
    for (int label : equation_.output) out.push_back(equation_.sizes[size_t(label)]);
    c.set(0, c.dtype(0), out);
    return {};
  }

  Status prepare(PrepareContext& c) override {
    std::vector<Shape> shapes;
    for (int i = 0; i < c.input_count(); ++i) shapes.push_back(c.shape(i));
    EinsumPlan plan(equation_, shapes);
    ENGINE_ASSIGN(steps_, plan.build());
    compute_ = compute_dtype(c.dtype(0));
    int64_t elements = plan.scratch_elements();
    converted_.clear();
    out_at_ = elements;
    if (compute_ != c.dtype(0)) {
      elements += round_up(c.output_shape(0).elements(), 16);
      for (const Shape& s : shapes) {
        converted_.push_back(elements);
        elements += round_up(s.elements(), 16);
      }
    }
    c.need_shared_scratch(elements * dtype_size(compute_));
    for (EinsumStep& step : steps_) {
      if (!step.is_product || is_small(step.product)) continue;
      visit_dtype(ComputeTypes{}, compute_, [&]<class A>() { step.product.tiling = tiling_of<A>(step.product, c.threads()); });
      c.need_scratch(int64_t(step.product.tiling.scratch_bytes));
    }
    return {};
  }

  Status run(OpRun& r) const override {
    if (r.out(0).elements() == 0) return {};
    Status status;
    visit_dtype(ComputeTypes{}, compute_, [&]<class A>() { status = run_typed<A>(r); });
    return status;
  }

 private:
  template <class A>
  A* at(OpRun& r, const EinsumView& v) const {
    A* scratch = r.shared_scratch<A>();
    if (v.place == EinsumPlace::Scratch) return scratch + v.index;
    if (v.place == EinsumPlace::Output) return converted_.empty() ? r.out<A>(0) : scratch + out_at_;
    return converted_.empty() ? const_cast<A*>(r.in<A>(int(v.index))) : scratch + converted_[size_t(v.index)];
  }

  template <class A>
  Status run_typed(OpRun& r) const {
    if (!converted_.empty()) ENGINE_TRY(convert_inputs<A>(r));
    for (const EinsumStep& step : steps_) ENGINE_TRY(step.is_product ? run_product<A>(r, step.product) : run_sum<A>(r, step.sum));
    return converted_.empty() ? Status() : convert_output<A>(r);
  }

  template <class A>
  Status convert_inputs(OpRun& r) const {
    Status status;
    for (int i = 0; i < r.input_count() && status.ok(); ++i) {
      A* to = r.shared_scratch<A>() + converted_[size_t(i)];
      visit_dtype(NumericTypes{}, r.in(i).dtype, [&]<class T>() {
        const T* from = r.in<T>(i);
        status = r.parallel(r.in(i).elements(), 1, [&](int64_t begin, int64_t end, int) {
          for (int64_t k = begin; k < end; ++k) to[k] = A(from[k]);
        });
      });
    }
    return status;
  }

  template <class A>
  Status convert_output(OpRun& r) const {
    Status status;
    const A* from = r.shared_scratch<A>() + out_at_;
    visit_dtype(NumericTypes{}, r.out(0).dtype, [&]<class T>() {
      T* to = r.out<T>(0);
      status = r.parallel(r.out(0).elements(), 1, [&](int64_t begin, int64_t end, int) {
        for (int64_t k = begin; k < end; ++k) to[k] = T(from[k]);
      });
    });
    return status;
  }

  template <class A>
  Status run_sum(OpRun& r, const EinsumSum& s) const {
    const A* from = at<A>(r, s.from);
    A* to = at<A>(r, s.to);
    const int64_t terms = s.summed.count(), kept = s.kept.count();
    for (int64_t first = 0; first == 0 || first < terms; first += kPiece) {
      const int64_t count = std::min(kPiece, terms - first);
      ENGINE_TRY(r.parallel(kept, 4 + 3.0 * double(count), [&](int64_t begin, int64_t end, int) {
        RowWalk::Cursor out(s.kept, begin);
        for (int64_t i = begin; i < end; ++i, out.next()) {
          A sum = first == 0 ? A(0) : to[i];
          if (count > 0) {
            RowWalk::Cursor in(s.summed, first);
            for (int64_t k = 0; k < count; ++k, in.next()) sum = k == 0 && first == 0 ? from[out.offset + in.offset] : sum + from[out.offset + in.offset];
          }
          to[i] = sum;
        }
      }));
    }
    return {};
  }

  template <class A>
  Status run_product(OpRun& r, const EinsumProduct& p) const {
    const A *a = at<A>(r, p.a), *b = at<A>(r, p.b);
    A* c = at<A>(r, p.c);
    const int64_t batches = p.batch_a.count();
    if (is_small(p)) {
      const double ns = 5 + 1.5 * double(p.m * p.n * p.k);
      return r.parallel(batches, ns, [&](int64_t begin, int64_t end, int worker) {
        RowWalk::Cursor at_a(p.batch_a, begin), at_b(p.batch_b, begin), at_c(p.batch_c, begin);
        for (int64_t i = begin; i < end; ++i) {
          clear(p, c + at_c.offset);
          bool whole = within_item(r, worker, p.k, kPiece, [&](int64_t first, int64_t last) {
            add_product(p, a + at_a.offset, b + at_b.offset, first, last, c + at_c.offset);
          });
          if (!whole) return;
          at_a.next();
          at_b.next();
          at_c.next();
        }
      });
    }
    const GemmTiling& t = p.tiling;
    const double ns = product_tile_ns(t, kMacsPerNs) * double(sizeof(A)) / 4;
    return r.parallel(batches * t.tiles, ns, [&](int64_t begin, int64_t end, int worker) {
      for (int64_t item = begin; item < end; ++item) {
        const int64_t i = item / t.tiles;
        run_tile<A>(p, a + RowWalk::Cursor(p.batch_a, i).offset, b + RowWalk::Cursor(p.batch_b, i).offset,
                    c + RowWalk::Cursor(p.batch_c, i).offset, item % t.tiles, r.scratch(worker));
      }
    });
  }

  template <class A>
  static void clear(const EinsumProduct& p, A* c) {
    for (int64_t i = 0; i < p.m; ++i) std::fill_n(c + i * p.c_row, p.n, A(0));
  }

  // c += the terms [first, last) of its sums, one after the other.
  template <class A>
  static void add_product(const EinsumProduct& p, const A* a, const A* b, int64_t first, int64_t last, A* c) {
    for (int64_t i = 0; i < p.m; ++i)
      for (int64_t j = 0; j < p.n; ++j) {
        A sum = c[i * p.c_row + j];
        for (int64_t k = first; k < last; ++k) sum += a[i * p.a_row + k * p.a_col] * b[k * p.b_row + j * p.b_col];
        c[i * p.c_row + j] = sum;
      }
  }

  EinsumEquation equation_;
  std::vector<EinsumStep> steps_;
  DType compute_ = DType::Float;
  std::vector<int64_t> converted_;  // where inputs are in scratch; empty when they are read where they lie
  int64_t out_at_ = 0;
};

}  // namespace

void op_einsum(OpTable& t) {
  for (int since : {12, 28}) t.add<Einsum>("", "Einsum", since, 1, -1);
}

}  // namespace engine
