#include <algorithm>
#include <numeric>

#include "ops/axes.h"
#include "ops/element.h"
#include "ops/order_key.h"
#include "ops/pieces.h"
#include "ops/tiled_sort.h"

namespace engine {
namespace {

constexpr int64_t kPiece = 8192;

// The things told apart: `count` slices of `size` elements each; element (o, k) of slice i is x[(o * count + i) * inner + k].
struct Slices {
  int64_t count = 0, outer = 1, inner = 1;
  int64_t size() const { return outer * inner; }
};

class Unique final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kNumeric | dtypes::kBool | dtypes::kString | dtypes::kComplex));
    microsoft_ = c.node().domain == "com.microsoft";
    sorted_ = !microsoft_ && c.attr_int("sorted", 1) != 0;
    flat_ = !c.has("axis");
    c.set(0, c.dtype(0));
    for (int o = 0; o < 4; ++o) {
      if (o > 0) c.set(o, DType::Int64, {kUnknownDim});
      c.set_at_run(o);
    }
    if (!c.has_rank(0)) return {};
    Shape out = c.shape(0);
    if (!flat_) {
      ENGINE_ASSIGN(axis_, normalize_axis(c.attr_int("axis", 0), out.rank()));
      out[axis_] = kUnknownDim;
    }
    c.set(0, c.dtype(0), flat_ ? Shape{kUnknownDim} : out);
    return {};
  }

  Status run(OpRun& r) const override {
    const Shape& in = r.in(0).shape;
    Slices s;
    s.count = flat_ ? in.elements() : in[axis_];
    if (!flat_) {
      s.outer = in.elements(0, axis_);
      s.inner = in.elements(axis_ + 1, in.rank());
    }
    ENGINE_ASSIGN(Tensor order, r.make(DType::Int64, {s.count}));
    ENGINE_ASSIGN(Tensor group, r.make(DType::Int64, {s.count}));
    ENGINE_ASSIGN(int64_t groups, sort_into_groups(r, s, order.as<int64_t>(), group.as<int64_t>()));
    return put(r, s, order.as<int64_t>(), group.as<int64_t>(), groups);
  }

 private:
  // order: the slices sorted, equal ones by place. group[i]: the rank of order[i] among different slices. Returns their number.
  Result<int64_t> sort_into_groups(OpRun& r, const Slices& s, int64_t* order, int64_t* group) const {
    ENGINE_ASSIGN(Tensor spare, r.make(DType::Int64, {s.count}));
    if (r.in(0).dtype == DType::String) {
      const std::string* x = r.in<std::string>(0);
      auto compare = [&](int64_t a, int64_t b) {
        for (int64_t o = 0; o < s.outer; ++o)
          for (int64_t k = 0; k < s.inner; ++k)
            if (int d = x[(o * s.count + a) * s.inner + k].compare(x[(o * s.count + b) * s.inner + k])) return d;
        return 0;
      };
      return group_by(r, s, compare, order, spare.as<int64_t>(), group);
    }
    const bool complex = contains(dtypes::kComplex, r.in(0).dtype);
    const int64_t width = s.size() * (complex ? 2 : 1);
    int64_t bytes = 0;
    if (!checked_mul(s.count, width, &bytes)) return error(Code::InvalidInput, "the input is too large");
    ENGINE_ASSIGN(Tensor keys, r.make(DType::Uint64, {s.count, width}));
    ENGINE_TRY(read_slices(r, s, complex, keys.as<uint64_t>()));
    if (width == 1) return group_keys(r, s.count, keys.as<uint64_t>(), order, group);
    const uint64_t* all = keys.as<uint64_t>();
    auto compare = [&](int64_t a, int64_t b) {
      const uint64_t *p = all + a * width, *q = all + b * width;
      for (int64_t k = 0; k < width; ++k)
        if (p[k] != q[k]) return p[k] < q[k] ? -1 : 1;
      return 0;
    };
    return group_by(r, s, compare, order, spare.as<int64_t>(), group);
  }

  Status read_slices(OpRun& r, const Slices& s, bool complex, uint64_t* keys) const {
    DType part = r.in(0).dtype;
    if (complex) part = part == DType::Complex64 ? DType::Float : DType::Double;
    const KeyReader read = key_reader(part);
    const int64_t inner = complex ? 2 * s.inner : s.inner, width = s.outer * inner;
    if (width == 1) {
      return r.parallel(s.count, 1, [&](int64_t b, int64_t e, int) { read(r.in(0).data, b, 1, e - b, 0, keys + b); });
    }
    return r.parallel(s.count, 2.0 * double(width), [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i)
        for (int64_t o = 0; o < s.outer; ++o) read(r.in(0).data, (o * s.count + i) * inner, 1, inner, 0, keys + i * width + o * inner);
    });
  }

  Result<int64_t> group_keys(OpRun& r, int64_t count, const uint64_t* keys, int64_t* order, int64_t* group) const {
    ENGINE_ASSIGN(Tensor records, r.make(DType::Complex128, {2, count}));
    KeyedIndex* all = records.as<KeyedIndex>();
    ENGINE_TRY(r.parallel(count, 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) all[i] = {keys[i], i};
    }));
    ENGINE_TRY(tiled_sort(r, all, all + count, count, 2, std::less<KeyedIndex>()));
    int64_t groups = 0;
    ENGINE_TRY(in_pieces(r, count, kPiece, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        if (i == 0 || all[i].key != all[i - 1].key) ++groups;
        order[i] = all[i].index;
        group[i] = groups - 1;
      }
    }));
    return groups;
  }

  template <class Compare>
  Result<int64_t> group_by(OpRun& r, const Slices& s, const Compare& compare, int64_t* order, int64_t* spare, int64_t* group) const {
    std::iota(order, order + s.count, int64_t(0));
    double ns = 20 + 2.0 * double(s.size());
    ENGINE_TRY(tiled_sort(r, order, spare, s.count, ns, [&](int64_t a, int64_t b) {
      int d = compare(a, b);
      return d ? d < 0 : a < b;
    }));
    int64_t groups = 0;
    ENGINE_TRY(in_pieces(r, s.count, std::max<int64_t>(1, int64_t(50e3 / ns)), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        if (i == 0 || compare(order[i - 1], order[i]) != 0) ++groups;
        group[i] = groups - 1;
      }
    }));
    return groups;
  }

  Status put(OpRun& r, const Slices& s, const int64_t* order, const int64_t* group, int64_t groups) const {
    ENGINE_ASSIGN(Tensor of_slice, r.make(DType::Int64, {s.count}));   // the group of each slice, in output order at the end
    ENGINE_ASSIGN(Tensor first_of, r.make(DType::Int64, {groups}));    // each group's first slice
    ENGINE_ASSIGN(Tensor counts_of, r.make(DType::Int64, {groups}));
    int64_t *inverse = of_slice.as<int64_t>(), *first = first_of.as<int64_t>(), *counts = counts_of.as<int64_t>();
    ENGINE_TRY(in_pieces(r, s.count, kPiece, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        if (i == 0 || group[i] != group[i - 1]) {
          first[group[i]] = order[i];
          counts[group[i]] = 0;
        }
        ++counts[group[i]];
        inverse[order[i]] = group[i];
      }
    }));
    if (!sorted_) ENGINE_TRY(order_by_first(r, s.count, groups, inverse, &first_of, &counts_of));
    ENGINE_TRY(put_slices(r, s, first_of.as<int64_t>(), groups));
    const int inverse_at = microsoft_ ? 1 : 2, counts_at = microsoft_ ? 2 : 3;
    if (!microsoft_) set_list(r, 1, std::move(first_of));
    set_list(r, inverse_at, std::move(of_slice));
    set_list(r, counts_at, std::move(counts_of));
    return {};
  }

  // Renumbers the groups by their first slices.
  static Status order_by_first(OpRun& r, int64_t count, int64_t groups, int64_t* inverse, Tensor* first_of, Tensor* counts_of) {
    ENGINE_ASSIGN(Tensor new_first, r.make(DType::Int64, {groups}));
    ENGINE_ASSIGN(Tensor new_counts, r.make(DType::Int64, {groups}));
    ENGINE_ASSIGN(Tensor number, r.make(DType::Int64, {groups}));
    int64_t next = 0;
    ENGINE_TRY(in_pieces(r, count, kPiece, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t g = inverse[i];
        if (first_of->as<int64_t>()[g] == i) {
          number.as<int64_t>()[g] = next;
          new_first.as<int64_t>()[next] = i;
          new_counts.as<int64_t>()[next++] = counts_of->as<int64_t>()[g];
        }
        inverse[i] = number.as<int64_t>()[g];
      }
    }));
    *first_of = std::move(new_first);
    *counts_of = std::move(new_counts);
    return {};
  }

  Status put_slices(OpRun& r, const Slices& s, const int64_t* first, int64_t groups) const {
    if (!r.wants(0)) return {};
    Shape out = flat_ ? Shape{0} : r.in(0).shape;
    out[flat_ ? 0 : axis_] = groups;
    DType dtype = r.in(0).dtype;
    ENGINE_TRY(r.allocate(0, dtype, out));
    Status status;
    visit_element(dtype, [&]<class T>() {
      const T* x = r.in<T>(0);
      T* y = r.out<T>(0);
      status = r.parallel(s.outer * groups, 4 + move_ns(dtype) * double(s.inner), [&](int64_t begin, int64_t end, int) {
        for (int64_t i = begin; i < end; ++i)
          copy_run(x + (i / groups * s.count + first[i % groups]) * s.inner, y + i * s.inner, s.inner);
      });
    });
    return status;
  }

  static void set_list(OpRun& r, int o, Tensor list) {
    if (!r.wants(o)) return;
    Value v;
    v.kind = ValueKind::Tensor;
    v.tensor = std::move(list);
    r.set(o, std::move(v));
  }

  bool microsoft_ = false, sorted_ = true, flat_ = true;
  int axis_ = 0;
};

}  // namespace

void op_unique(OpTable& t) {
  for (int since : {11, 28}) t.add<Unique>("", "Unique", since, 1, 1, 1, 4);
  t.add<Unique>("com.microsoft", "Unique", 1, 1, 1, 1, 3);
}

}  // namespace engine
