#include <algorithm>
#include <string_view>
#include <vector>

#include "kernels/text/utf8.h"
#include "ops/pieces.h"

namespace engine {
namespace {

constexpr int64_t kPartsBetweenChecks = 512;

// Unicode's white space.
bool is_space(uint32_t c) {
  return (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
         c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

// The end of the run of code points from `at` on that are (not) white space.
size_t skip_run(std::string_view text, size_t at, bool space) {
  while (at < text.size()) {
    size_t next = at;
    if (is_space(next_code_point(text, &next)) != space) break;
    at = next;
  }
  return at;
}

// At most `splits` cuts. Parts are views of `text`. Stops when go(), asked at each part, is false.
template <class Go>
void split_at_spaces(std::string_view text, int64_t splits, std::vector<std::string_view>* parts, Go&& go) {
  size_t at = skip_run(text, 0, true);
  for (; at < text.size() && go(); --splits) {
    size_t end = splits > 0 ? skip_run(text, at, false) : text.size();
    std::string_view part = text.substr(at, end - at);
    if (splits <= 0) {
      size_t last = 0;
      for (size_t k = 0; k < part.size();) {
        k = skip_run(part, k, false);
        last = k;
        k = skip_run(part, k, true);
      }
      part = part.substr(0, last);
    }
    parts->push_back(part);
    at = skip_run(text, end, true);
  }
}

template <class Go>
void split_at(std::string_view text, std::string_view delimiter, int64_t splits, std::vector<std::string_view>* parts, Go&& go) {
  size_t at = 0;
  for (; splits > 0 && go(); --splits) {
    size_t end = text.find(delimiter, at);
    if (end == std::string_view::npos) break;
    parts->push_back(text.substr(at, end - at));
    at = end + delimiter.size();
  }
  parts->push_back(text.substr(at));
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
    int64_t n = x.elements();
    std::vector<std::string_view> parts;
    std::vector<size_t> begin = {0};
    int64_t most = 0, work = 0;
    bool going = true;
    auto go = [&] {
      if (going && ++work >= kPartsBetweenChecks) {
        work = 0;
        going = goes_on(r, 0);
      }
      return going;
    };
    for (int64_t i = 0; i < n; ++i) {
      const std::string& text = x.as<std::string>()[i];
      if (!(delimiter_.empty() && text.empty())) {
        if (delimiter_.empty()) split_at_spaces(text, splits_, &parts, go);
        else split_at(text, delimiter_, splits_, &parts, go);
      }
      most = std::max(most, int64_t(parts.size() - begin.back()));
      if (r.wants(1)) r.out<int64_t>(1)[i] = int64_t(parts.size() - begin.back());
      begin.push_back(parts.size());
      if (!go()) break;
    }
    if (!going) return r.context().control().status();
    if (!r.wants(0)) return {};
    Shape shape = x.shape;
    shape.push_back(most);
    ENGINE_TRY(r.allocate(0, DType::String, shape));
    return r.parallel(n, 10 + 40 * double(most), [&](int64_t from, int64_t to, int worker) {
      for (int64_t i = from; i < to; ++i) {
        const std::string_view* part = parts.data() + begin[size_t(i)];
        bool went_on = within_item(r, worker, int64_t(begin[size_t(i) + 1] - begin[size_t(i)]), kPartsBetweenChecks, [&](int64_t first, int64_t last) {
          for (int64_t k = first; k < last; ++k) r.out<std::string>(0)[i * most + k] = std::string(part[k]);
        });
        if (!went_on) return;
      }
    });
  }

 private:
  std::string delimiter_;
  int64_t splits_ = INT64_MAX;
};

}  // namespace

void op_string_split(OpTable& t) { t.add<StringSplit>("", "StringSplit", 20, 1, 1, 2, 2); }

}  // namespace engine
