#include "passes/propagate.h"

#include "ops/op_evaluate.h"
#include "passes/align_constants.h"

namespace engine {
namespace {

// Folding is a convenience of load time: what takes longer than this is left to run time, where the call has its deadline.
constexpr int64_t kFoldNs = 2'000'000'000;

class Propagation {
 public:
  Propagation(Graph& graph, const FoldLimits& limits, MemoryAccount* account) : graph_(graph), limits_(limits), account_(account) {}

  Status run() {
    for (Node& node : graph_.nodes) ENGINE_TRY(visit(node));
    return {};
  }

 private:
  class Bodies final : public BodyInference {
   public:
    explicit Bodies(Propagation& outer) : outer_(outer) {}
    Result<std::vector<TypeInfo>> infer_body(const Node& node, const char* name, std::span<const TypeInfo> formal) override {
      for (const Body& body : node.bodies) {
        if (body.name != name) continue;
        if (body.program) return CompiledBodies().infer_body(node, name, formal);
        if (body.graph) return outer_.infer_into(node, *body.graph, formal);
      }
      return error(Code::InvalidModel, "the body '%s' is missing", name);
    }

   private:
    Propagation& outer_;
  };

  Result<std::vector<TypeInfo>> infer_into(const Node& node, Graph& body, std::span<const TypeInfo> formal) {
    size_t own = body.inputs.size() - size_t(node.captures);
    if (formal.size() != own)
      return error(Code::InvalidModel, "a body has %d inputs; %d are passed", int(own), int(formal.size()));
    for (size_t i = 0; i < own; ++i)
      if (formal[i].kind != TypeKind::Unknown) body[body.inputs[i]].type = formal[i];
    for (size_t i = 0; i < size_t(node.captures); ++i) {
      ValueId outer = node.inputs[node.inputs.size() - size_t(node.captures) + i];
      body[body.inputs[own + i]].type = graph_[outer].type;
    }
    ENGINE_TRY(Propagation(body, limits_, account_).run());
    std::vector<TypeInfo> types;
    for (ValueId v : body.outputs) types.push_back(body[v].type);
    return types;
  }

  Status visit(Node& node) {
    bool done = true;
    for (ValueId v : node.outputs)
      if (v >= 0 && !graph_[v].constant) done = false;
    if (done && !node.outputs.empty()) return {};
    size_t n = node.inputs.size();
    types_.assign(n, nullptr);
    values_.assign(n, nullptr);
    for (size_t i = 0; i < n; ++i) {
      if (node.inputs[i] < 0) continue;
      const GraphValue& v = graph_[node.inputs[i]];
      if (v.type.kind == TypeKind::Unknown)
        return error(Code::InvalidModel, "%s: the type of input '%s' is not known", node.label().c_str(), v.name.c_str());
      types_[i] = &v.type;
      values_[i] = v.constant.get();
    }
    Bodies bodies(*this);
    InferContext context(node, types_, values_);
    context.bodies_ = &bodies;
    std::unique_ptr<Op> op = node.def->make();
    ENGINE_TRY(infer_node(context, *op));
    for (size_t o = 0; o < node.outputs.size(); ++o) {
      if (node.outputs[o] < 0) continue;
      GraphValue& v = graph_[node.outputs[o]];
      ENGINE_TRY(adopt(node, v, context.outputs[o].type));
      if (limits_.max_bytes > 0 && context.outputs[o].value) v.constant = context.outputs[o].value;
    }
    return fold(node, context);
  }

  Status adopt(const Node& node, GraphValue& value, const TypeInfo& told) {
    if (told.kind == TypeKind::Unknown)
      return error(Code::InternalError, "%s told no type for '%s'", node.label().c_str(), value.name.c_str());
    value.type = told;
    return {};
  }

  bool foldable(const Node& node, const InferContext& context) const {
    if (limits_.keep_quantized && node.op_type == "DequantizeLinear") return false;
    if (limits_.max_bytes <= 0 || (node.def->flags & (kOpRandom | kOpNoFold | kOpMayDraw)) || !node.bodies.empty()) return false;
    int64_t in_bytes = 0, out_bytes = 0;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] < 0) continue;
      if (!values_[i]) return false;
      in_bytes += values_[i]->bytes();
    }
    for (size_t o = 0; o < node.outputs.size(); ++o) {
      if (node.outputs[o] < 0) continue;
      const TypeInfo& type = context.outputs[o].type;
      if (!type.is_tensor()) return false;
      if (!type.static_shape()) continue;
      Result<int64_t> bytes = checked_bytes(type.shape, dtype_size(type.dtype));
      if (!bytes.ok()) return false;
      out_bytes = std::max(out_bytes, bytes.value());
    }
    return out_bytes <= limits_.max_bytes && (out_bytes <= limits_.free_bytes || double(out_bytes) <= limits_.max_growth * double(in_bytes));
  }

  Status fold(Node& node, const InferContext& context) {
    bool all = true;
    for (ValueId v : node.outputs)
      if (v >= 0 && !graph_[v].constant) all = false;
    if (all || !foldable(node, context)) return {};
    ENGINE_TRY(align_inputs(node));
    std::vector<Value> inputs(node.inputs.size()), outputs(node.outputs.size());
    std::vector<const Value*> in(node.inputs.size(), nullptr);
    std::vector<Value*> out(node.outputs.size(), nullptr);
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (!values_[i]) continue;
      inputs[i].kind = ValueKind::Tensor;
      inputs[i].tensor = *values_[i];
      in[i] = &inputs[i];
    }
    for (size_t o = 0; o < outputs.size(); ++o)
      if (node.outputs[o] >= 0) out[o] = &outputs[o];
    RunControl control(now_ns() + kFoldNs);
    RunContext run(control, 1);
    Surroundings around;
    around.account = account_;
    PreparedNode prepared;
    Status status = prepared.run(node, in, out, run, around);
    if (status.code() == Code::DeadlineExceeded || status.code() == Code::MemoryLimitExceeded) return {};
    ENGINE_TRY(std::move(status));
    for (size_t o = 0; o < outputs.size(); ++o) {
      if (!out[o] || outputs[o].kind != ValueKind::Tensor) continue;
      if (outputs[o].tensor.bytes() > limits_.max_bytes) continue;
      GraphValue& v = graph_[node.outputs[o]];
      v.type = type_of(outputs[o]);
      v.constant = std::make_shared<const Tensor>(std::move(outputs[o].tensor));
    }
    return {};
  }

  Status align_inputs(const Node& node) {
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] < 0 || is_aligned(*values_[i])) continue;
      ENGINE_ASSIGN(graph_[node.inputs[i]].constant, aligned_copy(*graph_[node.inputs[i]].constant, account_));
      values_[i] = graph_[node.inputs[i]].constant.get();
    }
    return {};
  }

  Graph& graph_;
  const FoldLimits& limits_;
  MemoryAccount* account_;
  std::vector<const TypeInfo*> types_;
  std::vector<const Tensor*> values_;
};

// A node whose every output is a constant is not needed any more: its outputs are no longer its own.
void drop_folded(Graph& graph) {
  std::vector<Node> kept;
  kept.reserve(graph.nodes.size());
  for (Node& node : graph.nodes) {
    bool folded = true;
    for (ValueId& v : node.outputs) {
      if (v >= 0 && !graph[v].constant) folded = false;
    }
    if (folded) continue;
    for (ValueId& v : node.outputs)
      if (v >= 0 && graph[v].constant) v = kNoValue;
    for (Body& body : node.bodies)
      if (body.graph && !body.program) drop_folded(*body.graph);
    kept.push_back(std::move(node));
  }
  graph.nodes = std::move(kept);
}

}  // namespace

Status propagate(Graph& graph, const FoldLimits& limits, MemoryAccount* account) {
  ENGINE_TRY(Propagation(graph, limits, account).run());
  drop_folded(graph);
  return {};
}

}  // namespace engine
