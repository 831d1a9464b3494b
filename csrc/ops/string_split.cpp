#include <algorithm>
#include <atomic>
#include <string_view>

#include "kernels/text/utf8.h"
#include "ops/pieces.h"

namespace engine {
namespace {

constexpr double kTextNs = 30, kPartNs = 40;
// Between looks at the clock, in bytes that are looked at one by one; a part counts as so many.
constexpr size_t kWorkBetweenChecks = 16384, kWorkOfPart = 32;
constexpr size_t kBytesAtOnce = 16;  // when a delimiter is searched

// Unicode's white space.
bool is_space(uint32_t c) {
  return (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
         c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

// Goes through the texts of a tile, which may be long, and looks at the clock on the way.
class Walk {
 public:
  Walk(OpRun& r, int worker) : r_(r), worker_(worker) {}
  // After so many bytes or parts: false when the call must stop, from then on.
  bool go(size_t work) {
    work_ += work;
    if (work_ < kWorkBetweenChecks || !going_) return going_;
    work_ = 0;
    return going_ = goes_on(r_, worker_);
  }
  bool going() const { return going_; }

 private:
  OpRun& r_;
  int worker_;
  size_t work_ = 0;
  bool going_ = true;
};

// The end of the run of code points from `at` on that are (not) white space; the text's end when the walk stops.
size_t skip_run(std::string_view text, size_t at, bool space, Walk& walk) {
  while (at < text.size()) {
    const size_t begin = at, until = std::min(text.size(), at + kWorkBetweenChecks);
    while (at < until) {
      size_t next = at;
      if (is_space(next_code_point(text, &next)) != space) return at;
      at = next;
    }
    if (!walk.go(at - begin)) return text.size();
  }
  return at;
}

size_t find(std::string_view text, std::string_view delimiter, size_t at, Walk& walk) {
  for (; at < text.size(); at += kWorkBetweenChecks) {
    size_t found = text.substr(at, kWorkBetweenChecks + delimiter.size() - 1).find(delimiter);
    if (found != std::string_view::npos) return at + found;
    if (!walk.go(std::min(text.size() - at, kWorkBetweenChecks) / kBytesAtOnce)) break;
  }
  return std::string_view::npos;
}

// The text without the white space at its end.
std::string_view trimmed(std::string_view text, Walk& walk) {
  size_t last = 0;
  for (size_t k = 0; k < text.size();) {
    last = skip_run(text, k, false, walk);
    k = skip_run(text, last, true, walk);
  }
  return text.substr(0, last);
}

// part(view) for each part, after at most `splits` cuts, until the walk stops.
template <class Part>
void split_at_spaces(std::string_view text, int64_t splits, Walk& walk, Part&& part) {
  size_t at = skip_run(text, 0, true, walk);
  for (; at < text.size() && walk.go(kWorkOfPart); --splits) {
    if (splits <= 0) return part(trimmed(text.substr(at), walk));
    const size_t end = skip_run(text, at, false, walk);
    part(text.substr(at, end - at));
    at = skip_run(text, end, true, walk);
  }
}

template <class Part>
void split_at(std::string_view text, std::string_view delimiter, int64_t splits, Walk& walk, Part&& part) {
  size_t at = 0;
  for (; splits > 0 && walk.go(kWorkOfPart); --splits) {
    const size_t end = find(text, delimiter, at, walk);
    if (end == std::string_view::npos) break;
    part(text.substr(at, end - at));
    at = end + delimiter.size();
  }
  part(text.substr(at));
}

class StringSplit final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kString));
    delimiter_ = c.attr_string("delimiter", "");
    splits_ = c.attr_int("maxsplit", INT64_MAX);
    if (splits_ < 0) splits_ = INT64_MAX;
    c.set(0, DType::String);
    c.set_at_run(0);
    c.set(1, DType::Int64);
    if (!c.has_rank(0)) return {};
    Shape shape = c.shape(0);
    c.set(1, DType::Int64, shape);
    if (shape.rank() == kMaxRank) return error(Code::UnsupportedOperator, "the data have too many dimensions");
    shape.push_back(kUnknownDim);
    c.set(0, DType::String, shape);
    return {};
  }

  Status run(OpRun& r) const override {
    const Tensor& x = r.in(0);
    const int64_t n = x.elements();
    std::atomic<int64_t> most{0};
    ENGINE_TRY(r.parallel(n, kTextNs, [&](int64_t begin, int64_t end, int worker) {
      Walk walk(r, worker);
      for (int64_t i = begin; i < end; ++i) {
        int64_t count = 0;
        split(x.as<std::string>()[i], walk, [&](std::string_view) { ++count; });
        if (!walk.going()) return;
        if (r.wants(1)) r.out<int64_t>(1)[i] = count;
        for (int64_t seen = most.load(); count > seen && !most.compare_exchange_weak(seen, count);) {
        }
      }
    }));
    if (!r.wants(0)) return {};
    const int64_t columns = most.load();
    Shape shape = x.shape;
    shape.push_back(columns);
    ENGINE_TRY(r.allocate(0, DType::String, shape));
    return r.parallel(n, kTextNs + kPartNs * double(columns), [&](int64_t begin, int64_t end, int worker) {
      Walk walk(r, worker);
      for (int64_t i = begin; i < end && walk.going(); ++i) {
        std::string* to = r.out<std::string>(0) + i * columns;
        split(x.as<std::string>()[i], walk, [&](std::string_view part) { *to++ = part; });
      }
    });
  }

 private:
  template <class Part>
  void split(const std::string& text, Walk& walk, Part&& part) const {
    if (!delimiter_.empty()) split_at(text, delimiter_, splits_, walk, part);
    else split_at_spaces(text, splits_, walk, part);
    walk.go(kWorkOfPart);
  }

  std::string delimiter_;
  int64_t splits_ = INT64_MAX;
};

}  // namespace

void op_string_split(OpTable& t) { t.add<StringSplit>("", "StringSplit", 20, 1, 1, 2, 2); }

}  // namespace engine
