#include <algorithm>
#include <unordered_map>

#include "ops/lookup.h"
#include "ops/node_cache.h"

namespace engine {
namespace {

enum class TfIdfMode : uint8_t { tf, idf, tfidf };

// The n-grams as a tree: from a node, a token leads to a node; a node may be the end of n-gram `gram`.
struct NGrams {
  std::vector<std::string> texts;
  std::vector<int64_t> numbers;
  std::unordered_map<std::string, int32_t> text_ids;
  std::unordered_map<int64_t, int32_t> number_ids;
  std::unordered_map<uint64_t, int32_t> children;  // (node, token) -> node
  std::vector<int32_t> gram = {-1};

  std::vector<int64_t> column;   // of each n-gram
  std::vector<float> weight;     // of each column
  int64_t columns = 0, least = 1, most = 1, skips = 0;
  TfIdfMode mode = TfIdfMode::tf;
  bool is_text = false;

  int32_t child(int32_t node, int32_t token) const {
    auto it = children.find(uint64_t(uint32_t(node)) << 32 | uint32_t(token));
    return it == children.end() ? -1 : it->second;
  }
  int32_t token_of(const std::string& text) const {
    auto it = text_ids.find(text);
    return it == text_ids.end() ? -1 : it->second;
  }
  int32_t token_of(int64_t number) const {
    auto it = number_ids.find(number);
    return it == number_ids.end() ? -1 : it->second;
  }
};

Status read_settings(const InferContext& c, NGrams* g) {
  std::string mode = c.attr_string("mode", "");
  if (mode == "TF") g->mode = TfIdfMode::tf;
  else if (mode == "IDF") g->mode = TfIdfMode::idf;
  else if (mode == "TFIDF") g->mode = TfIdfMode::tfidf;
  else return error(Code::InvalidModel, "mode is '%s'; TF, IDF and TFIDF are allowed", mode.c_str());
  g->least = c.attr_int("min_gram_length", 0);
  g->most = c.attr_int("max_gram_length", 0);
  g->skips = c.attr_int("max_skip_count", 0);
  if (g->least < 1 || g->most < g->least || g->skips < 0)
    return error(Code::InvalidModel, "min_gram_length is %lld, max_gram_length %lld, max_skip_count %lld", (long long)g->least,
                 (long long)g->most, (long long)g->skips);
  g->column = c.attr_ints("ngram_indexes");
  g->weight = c.attr_floats("weights");
  for (int64_t k : g->column) {
    if (k < 0 || k >= (int64_t(1) << 31)) return error(Code::InvalidModel, "ngram_indexes has the entry %lld", (long long)k);
    g->columns = std::max(g->columns, k + 1);
  }
  if (!g->weight.empty() && int64_t(g->weight.size()) < g->columns)
    return error(Code::InvalidModel, "%zu weights for %lld columns", g->weight.size(), (long long)g->columns);
  return {};
}

// Adds one n-gram of tokens.
Status add_gram(NGrams* g, const int32_t* tokens, int64_t length, int32_t id) {
  int32_t node = 0;
  for (int64_t k = 0; k < length; ++k) {
    auto [it, added] = g->children.try_emplace(uint64_t(uint32_t(node)) << 32 | uint32_t(tokens[k]), int32_t(g->gram.size()));
    if (added) g->gram.push_back(-1);
    node = it->second;
  }
  if (g->gram[size_t(node)] >= 0) return error(Code::InvalidModel, "n-gram %d of the pool is there twice", id);
  g->gram[size_t(node)] = id;
  return {};
}

Result<std::shared_ptr<const NGrams>> build(const InferContext& c) {
  auto g = std::make_shared<NGrams>();
  ENGINE_TRY(read_settings(c, g.get()));
  g->texts = c.attr_strings("pool_strings");
  g->numbers = c.attr_ints("pool_int64s");
  if (g->texts.empty() == g->numbers.empty()) return error(Code::InvalidModel, "one of the attributes pool_strings and pool_int64s must be given");
  g->is_text = !g->texts.empty();
  std::vector<int32_t> tokens;
  for (const std::string& text : g->texts) tokens.push_back(g->text_ids.try_emplace(text, int32_t(g->text_ids.size())).first->second);
  for (int64_t number : g->numbers) tokens.push_back(g->number_ids.try_emplace(number, int32_t(g->number_ids.size())).first->second);

  std::vector<int64_t> begin = c.attr_ints("ngram_counts");
  if (int64_t(begin.size()) < g->most) return error(Code::InvalidModel, "ngram_counts has %zu entries; max_gram_length is %lld", begin.size(), (long long)g->most);
  int32_t id = 0;
  for (size_t n = 0; n < begin.size(); ++n) {
    int64_t from = begin[n], to = n + 1 < begin.size() ? begin[n + 1] : int64_t(tokens.size()), length = int64_t(n) + 1;
    if (from < 0 || to < from || to > int64_t(tokens.size()) || (to - from) % length)
      return error(Code::InvalidModel, "ngram_counts gives %zu-grams the places %lld to %lld of %zu", n + 1, (long long)from, (long long)to, tokens.size());
    for (; from < to; from += length) ENGINE_TRY(add_gram(g.get(), tokens.data() + from, length, id++));
  }
  if (size_t(id) != g->column.size()) return error(Code::InvalidModel, "%zu ngram_indexes for %d n-grams", g->column.size(), id);
  return std::shared_ptr<const NGrams>(g);
}

class TfIdfVectorizer final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtype_set(DType::String, DType::Int32, DType::Int64)));
    if (!grams_) {
      ENGINE_ASSIGN(grams_, NodeCache<NGrams>::instance().get(c.node().attributes, [&] { return build(c); }));
    }
    if (grams_->is_text != (c.dtype(0) == DType::String))
      return error(Code::InvalidModel, "the data are %s, the pool %s", dtype_name(c.dtype(0)), grams_->is_text ? "strings" : "int64");
    c.set(0, DType::Float);
    if (!c.has_rank(0)) return {};
    const Shape& s = c.shape(0);
    if (s.rank() < 1 || s.rank() > 2) return error(Code::InvalidModel, "the data have shape %s; [C] and [N, C] are allowed", s.text().c_str());
    c.set(0, DType::Float, s.rank() == 1 ? Shape{grams_->columns} : Shape{s[0], grams_->columns});
    return {};
  }

  Status run(OpRun& r) const override {
    const Tensor& x = r.in(0);
    const NGrams& g = *grams_;
    int64_t length = x.shape.back(), rows = x.shape.rank() == 2 ? x.shape[0] : 1;
    std::fill_n(r.out<float>(0), r.out(0).elements(), 0.0f);
    ENGINE_ASSIGN(Tensor tokens, r.make(DType::Int32, x.shape));
    ENGINE_TRY(r.parallel(x.elements(), kLookupNs<std::string>, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i)
        tokens.as<int32_t>()[i] = g.is_text ? g.token_of(x.as<std::string>()[i]) : g.token_of(integer_at(x, i));
    }));
    RunControl& control = r.context().control();
    double ns = double(length) * double(g.most) * double(std::min<int64_t>(g.skips, length) + 1) * 15 + double(g.columns) * 0.5 + 20;
    return r.parallel(rows, ns, [&](int64_t begin, int64_t end, int worker) {
      auto go = [&] { return worker == 0 ? control.check() : control.go(); };
      for (int64_t row = begin; row < end; ++row) count_row(tokens.as<int32_t>() + row * length, length, r.out<float>(0) + row * g.columns, go);
    });
  }

 private:
  template <class Go>
  void count_row(const int32_t* tokens, int64_t length, float* out, Go&& go) const {
    const NGrams& g = *grams_;
    int64_t work = 0;
    for (int64_t skip = 0; skip <= g.skips && (skip == 0 || skip + 1 < length); ++skip) {
      if (skip > 0 && g.most == 1) break;
      for (int64_t start = 0; start < length; ++start) {
        work += count_from(tokens + start, length - start, skip + 1, out);
        if (work > 4096 && (work = 0, !go())) return;
      }
    }
    if (g.mode != TfIdfMode::tf) weigh(out);
  }

  // Counts the n-grams that begin at tokens[0] with that stride; single tokens only with stride 1. Returns the steps taken.
  int64_t count_from(const int32_t* tokens, int64_t length, int64_t stride, float* out) const {
    const NGrams& g = *grams_;
    int32_t node = 0;
    int64_t n = 1, at = 0;
    for (; n <= g.most && at < length; ++n, at += stride) {
      if (tokens[at] < 0 || (node = g.child(node, tokens[at])) < 0) break;
      int32_t id = g.gram[size_t(node)];
      if (id >= 0 && n >= g.least && (n > 1 || stride == 1)) out[g.column[size_t(id)]] += 1;
    }
    return n;
  }

  // Weights belong to columns, which is also what other runtimes do; with ngram_indexes in order they are those of the n-grams.
  void weigh(float* out) const {
    const NGrams& g = *grams_;
    for (int64_t k = 0; k < g.columns; ++k) {
      if (out[k] == 0) continue;
      float w = g.weight.empty() ? 1.0f : g.weight[size_t(k)];
      out[k] = g.mode == TfIdfMode::idf ? w : out[k] * w;
    }
  }

  std::shared_ptr<const NGrams> grams_;
};

}  // namespace

void op_tf_idf_vectorizer(OpTable& t) { t.add<TfIdfVectorizer>("", "TfIdfVectorizer", 9, 1, 1); }

}  // namespace engine
