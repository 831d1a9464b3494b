#include "passes/align_constants.h"
#include "passes/pass.h"
#include "passes/propagate.h"

namespace engine {

// ENGINE_PASS(name, level, at load, at plan): in the order in which they run.
#define ENGINE_PASSES(ENGINE_PASS)                   \
  ENGINE_PASS(fuse_quantized_matrix, All, true, false) \
  ENGINE_PASS(fuse_quantized_conv, All, true, false) \
  ENGINE_PASS(move_quantization, All, true, false)   \
  ENGINE_PASS(fuse_byte_table, All, true, false)     \
  ENGINE_PASS(sink_constants, Cheap, true, false)    \
  ENGINE_PASS(inline_if, Cheap, true, true)          \
  ENGINE_PASS(drop_identity, Cheap, true, true)      \
  ENGINE_PASS(merge_common, Cheap, true, false)      \
  ENGINE_PASS(merge_transposes, Cheap, true, false)  \
  ENGINE_PASS(widen_halves, All, true, false)             \
  ENGINE_PASS(fuse_gelu, All, true, true)                 \
  ENGINE_PASS(fuse_swish, All, true, true)                \
  ENGINE_PASS(fuse_row_norm, All, true, true)             \
  ENGINE_PASS(fuse_quantized_product, All, true, true)    \
  ENGINE_PASS(normalize_products, All, true, true)        \
  ENGINE_PASS(merge_reshaped_transpose, All, false, true) \
  ENGINE_PASS(fuse_transpose_product, All, true, true)    \
  ENGINE_PASS(fuse_attention, All, false, true)           \
  ENGINE_PASS(fuse_product_bias, All, true, true)         \
  ENGINE_PASS(fold_product_factor, All, true, false)      \
  ENGINE_PASS(fuse_product_residual, All, false, true)    \
  ENGINE_PASS(fuse_scatter_rows, All, false, true)        \
  ENGINE_PASS(fuse_hard_swish, All, true, false)          \
  ENGINE_PASS(fuse_pad_conv, All, true, true)             \
  ENGINE_PASS(normalize_convs, All, true, true)           \
  ENGINE_PASS(fold_channel_affine, All, true, true)       \
  ENGINE_PASS(split_batch_norm, All, false, true)         \
  ENGINE_PASS(fuse_conv_residual, All, false, true)       \
  ENGINE_PASS(fuse_activation, All, true, true)           \
  ENGINE_PASS(split_transposed_conv, All, false, true)    \
  ENGINE_PASS(fuse_skip_norm, All, false, true)           \
  ENGINE_PASS(fuse_product_pair, All, false, true)        \
  ENGINE_PASS(assign_channels_last, All, false, true)     \
  ENGINE_PASS(fuse_byte_residual, All, false, true)       \
  ENGINE_PASS(assign_layouts, All, false, true)           \
  ENGINE_PASS(fuse_conv_depthwise, All, false, true)      \
  ENGINE_PASS(fuse_elementwise, All, false, true)

#define ENGINE_PASS(name, level, load, plan) Status pass_##name(Graph&, PassContext&, bool*);
ENGINE_PASSES(ENGINE_PASS)
#undef ENGINE_PASS

namespace {

constexpr Pass kPasses[] = {
#define ENGINE_PASS(name, level, load, plan) {#name, Level::level, load, plan, pass_##name},
    ENGINE_PASSES(ENGINE_PASS)
#undef ENGINE_PASS
};

// Plans are made while a caller waits and there may be many: only what is small is folded then.
constexpr FoldLimits kLoadLimits{};
constexpr FoldLimits kPlanLimits{int64_t(4) << 20, 4, int64_t(1) << 20};
constexpr FoldLimits kNoFolding{0, 0, 0};

Status run_pass(const Pass& pass, Graph& graph, PassContext& context, bool* changed) {
  for (Node& node : graph.nodes)
    for (Body& body : node.bodies)
      if (body.graph && !body.program) ENGINE_TRY(run_pass(pass, *body.graph, context, changed));
  bool here = false;
  Status status = pass.run(graph, context, &here);
  if (!status.ok()) return std::move(status).with_context(std::string("pass ") + pass.name);
  *changed |= here;
  return {};
}

void remove_dead_everywhere(Graph& graph) {
  for (Node& node : graph.nodes)
    for (Body& body : node.bodies)
      if (body.graph && !body.program) remove_dead_everywhere(*body.graph);
  remove_dead(graph);
}

}  // namespace

Status optimize(Graph& graph, PassContext& context) {
  const FoldLimits& limits = context.level == Level::Off ? kNoFolding : context.specialised ? kPlanLimits : kLoadLimits;
  FoldLimits first = limits;
  first.keep_quantized = context.level == Level::All && !context.specialised;
  if (!context.specialised) ENGINE_TRY(align_constants(graph, context.account));
  ENGINE_TRY(propagate(graph, first, context.account));
  remove_dead_everywhere(graph);
  ENGINE_TRY(check_graph(graph, "inference"));
  for (const Pass& pass : kPasses) {
    if (pass.level > context.level || !(context.specialised ? pass.at_plan : pass.at_load)) continue;
    bool changed = false;
    ENGINE_TRY(run_pass(pass, graph, context, &changed));
    if (!changed) continue;
    ENGINE_TRY(resolve(graph));
    ENGINE_TRY(check_graph(graph, pass.name));
    const bool more_quantized = pass.run == pass_fuse_quantized_matrix;
    Status status = propagate(graph, more_quantized ? first : limits, context.account);
    if (!status.ok()) return std::move(status).with_context(std::string("after pass ") + pass.name);
    remove_dead_everywhere(graph);
  }
  return {};
}

}  // namespace engine
