// DequantizeLinear -> Conv [-> Relu, Clip] -> QuantizeLinear over 8-bit tensors becomes engine.QLinearConv, and
// DequantizeLinear -> Add [-> Relu] -> QuantizeLinear becomes com.microsoft.QLinearAdd. The results may differ by one
// quantum, where a sum lies between two.
#include <algorithm>
#include <cmath>

#include "passes/conv_node.h"
#include "passes/pass.h"
#include "passes/quantized_node.h"

namespace engine {
namespace {

class Fuser {
 public:
  Fuser(Graph& graph, MemoryAccount* account) : graph_(graph), rewriter_(graph), account_(account) {}

  Status run(bool* changed) {
    size_t count = graph_.nodes.size();
    bool any = false;
    for (size_t i = 0; i < count; ++i) {
      any = any || is_node(&graph_.nodes[i], "DequantizeLinear");
      if (is_node(&graph_.nodes[i], "QuantizeLinear")) ENGINE_TRY(fuse(int(i)));
    }
    // Inference has left the constants of DequantizeLinear alone: it folds what remains.
    *changed = any;
    return rewriter_.finish();
  }

 private:
  std::optional<float> scale_of(const Quantized& q) const {
    std::optional<float> s = scalar_constant(graph_, q.scale);
    return s && std::isfinite(*s) && *s > 0 ? s : std::nullopt;
  }
  int64_t zero_of(const Quantized& q) const { return integer_at(*graph_.constant(q.zero), 0); }

  // A constant weight with one scale, or one for each output channel.
  std::optional<Quantized> weight(ValueId v) {
    const Node* node = rewriter_.producer_node(v);
    if (!is_node(node, "DequantizeLinear")) return std::nullopt;
    auto q = quantized_operands(graph_, *node, graph_[node->inputs[0]].type.dtype);
    if (!q || !graph_.constant(q->data) || graph_.constant(q->data)->shape.rank() < 3) return std::nullopt;
    const Tensor &scale = *graph_.constant(q->scale), &zero = *graph_.constant(q->zero);
    int64_t n = scale.elements();
    for (int64_t i = 0; i < n; ++i)
      if (!std::isfinite(scale.as<float>()[i]) || !(scale.as<float>()[i] > 0)) return std::nullopt;
    bool channels = n == graph_.constant(q->data)->shape[0] && scale.shape.rank() == 1 && int_of(*node, "axis", 1) == 0;
    return zero.elements() == n && (n == 1 || channels) ? q : std::nullopt;
  }

  // The most that a bias and `terms` products of bytes, less their zero points, can add up to.
  static int64_t most_of(int64_t bias, int64_t terms) { return std::abs(bias) + terms * 255 * 255; }

  // True when `scale` is that of the sums, x_scale * w_scale, within rounding, and no sum with its bias can leave int32.
  bool joins_the_sum(const Tensor& bias, const Tensor& scale, const Quantized& x, const Quantized& w) const {
    const Tensor &weights = *graph_.constant(w.data), &w_scale = *graph_.constant(w.scale), &w_zero = *graph_.constant(w.zero);
    const int64_t channels = bias.elements(), terms = weights.elements() / std::max<int64_t>(1, channels);
    const double x_scale = *scale_of(x);
    auto each = [](const Tensor& t, int64_t i) { return t.elements() == 1 ? 0 : i; };
    for (int64_t i = 0; i < channels; ++i) {
      const double wanted = x_scale * double(w_scale.as<float>()[each(w_scale, i)]);
      if (!(std::abs(double(scale.as<float>()[each(scale, i)]) - wanted) <= 0x1p-22 * wanted)) return false;
      if (most_of(integer_at(bias, i), terms) <= INT32_MAX) continue;
      const int64_t zero = integer_at(w_zero, each(w_zero, i));
      int64_t most = std::abs(integer_at(bias, i));
      for (int64_t t = i * terms; t < (i + 1) * terms; ++t) most += 255 * std::abs(integer_at(weights, t) - zero);
      if (most > INT32_MAX) return false;
    }
    return true;
  }

  // A bias that the convolution adds: the int32 behind a DequantizeLinear where that is what the sums count in, else a constant
  // float32. kNoValue when it is neither constant nor dequantised from one.
  Result<ValueId> addend(ValueId v, int64_t channels, const Quantized& x, const Quantized& w) {
    const Node* node = rewriter_.producer_node(v);
    const Tensor *source = graph_.constant(v), *scale = nullptr;
    if (is_node(node, "DequantizeLinear")) {
      source = graph_.constant(node->inputs[0]), scale = graph_.constant(node->inputs[1]);
      const Tensor* zero = graph_.constant(input_of(*node, 2));
      bool zeros = input_of(*node, 2) < 0 || zero;
      for (int64_t i = 0; zero && i < zero->elements(); ++i) zeros = zeros && integer_at(*zero, i) == 0;
      if (!source || source->dtype != DType::Int32 || !scale || scale->dtype != DType::Float || !zeros) return kNoValue;
      if (scale->elements() != 1 && scale->elements() != channels) return kNoValue;
    } else if (!source || source->dtype != DType::Float) {
      return kNoValue;
    }
    if (source->elements() != channels) return kNoValue;
    if (!scale) return v;
    if (joins_the_sum(*source, *scale, x, w)) return node->inputs[0];
    ENGINE_ASSIGN(Tensor out, make_tensor(DType::Float, Shape{channels}, account_, "bias"));
    for (int64_t i = 0; i < channels; ++i)
      out.as<float>()[i] = float(number_at(*source, i) * double(scale->as<float>()[scale->elements() == 1 ? 0 : i]));
    return rewriter_.add_constant(graph_[v].name + "/float", std::move(out));
  }

  // The range that Relu or Clip leaves of the quantised result; false for other nodes.
  bool limits_of(const Node& node, float scale, int64_t zero, int64_t* low, int64_t* high) const {
    float least = 0, most = INFINITY;
    if (node.op_type == "Clip") {
      if (node.opset < 11) return false;
      std::optional<float> a = scalar_constant(graph_, input_of(node, 1)), b = scalar_constant(graph_, input_of(node, 2));
      if (!a || !b || !(*a <= *b)) return false;
      least = *a, most = *b;
    } else if (node.op_type != "Relu") {
      return false;
    }
    auto quantised = [&](float x) { return std::clamp(std::nearbyint(double(x) / double(scale)) + double(zero), -1e6, 1e6); };
    *low = std::max(*low, int64_t(quantised(least)));
    if (std::isfinite(most)) *high = std::min(*high, int64_t(quantised(most)));
    return *low <= *high;
  }

  Status fuse(int last) {
    auto y = quantizes(graph_, graph_.nodes[size_t(last)]);
    if (!y) return {};
    ValueId v = y->data;
    bool is_signed = graph_.constant(y->zero)->dtype == DType::Int8;
    int64_t least = is_signed ? -128 : 0, low = least, high = least + 255;
    const Node* node = rewriter_.producer_node(v);
    if (node && node->domain.empty() && rewriter_.single_use(v) && limits_of(*node, *scale_of(*y), zero_of(*y), &low, &high)) {
      v = node->inputs[0];
      node = rewriter_.producer_node(v);
    }
    if (!node || !rewriter_.single_use(v)) return {};
    if (is_node(node, "Conv")) return fuse_conv(rewriter_.producer(v), last, *y, low, high);
    if (is_node(node, "Add") && low == least && high == least + 255) return fuse_add(*node, last, *y);
    return {};
  }

  Status fuse_conv(int index, int last, const Quantized& y, int64_t low, int64_t high) {
    const Node node = graph_.nodes[size_t(index)];
    auto x = dequantized(rewriter_, node.inputs[0]), w = weight(node.inputs[1]);
    if (!x || !w) return {};
    Node conv;
    conv.inputs = {x->data, x->scale, x->zero, w->data, w->scale, w->zero, y.scale, y.zero};
    if (ValueId bias = input_of(node, 2); bias >= 0) {
      ENGINE_ASSIGN(ValueId added, addend(bias, graph_.constant(w->data)->shape[0], *x, *w));
      if (added == kNoValue) return {};
      conv.inputs.push_back(added);
    }
    conv.name = node.name;
    conv.domain = "engine";
    conv.op_type = "QLinearConv";
    conv.opset = 1;
    conv.attributes = node.attributes ? node.attributes : std::make_shared<const Attributes>();
    conv.attributes = with_attribute(conv, int_attribute("low", low));
    conv.attributes = with_attribute(conv, int_attribute("high", high));
    int added = rewriter_.add(std::move(conv));
    rewriter_.steal_outputs(last, added);
    return {};
  }

  Status fuse_add(const Node& add, int last, const Quantized& y) {
    auto a = dequantized(rewriter_, add.inputs[0]), b = dequantized(rewriter_, add.inputs[1]);
    if (!a || !b || graph_[a->data].type.dtype != graph_[b->data].type.dtype) return {};
    if (graph_[a->data].type.dtype != graph_.constant(y.zero)->dtype) return {};
    Node sum;
    sum.name = add.name;
    sum.domain = "com.microsoft";
    sum.op_type = "QLinearAdd";
    sum.opset = 1;
    sum.inputs = {a->data, a->scale, a->zero, b->data, b->scale, b->zero, y.scale, y.zero};
    sum.attributes = std::make_shared<const Attributes>();
    int added = rewriter_.add(std::move(sum));
    rewriter_.steal_outputs(last, added);
    return {};
  }

  Graph& graph_;
  Rewriter rewriter_;
  MemoryAccount* account_;
};

}  // namespace

Status pass_fuse_quantized_conv(Graph& graph, PassContext& context, bool* changed) { return Fuser(graph, context.account).run(changed); }

}  // namespace engine
