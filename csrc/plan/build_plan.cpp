#include <algorithm>
#include <climits>

#include "base/checked.h"
#include "passes/align_constants.h"
#include "plan/aligned_constants.h"
#include "plan/memory_planner.h"
#include "plan/plan.h"
#include "plan/preparation.h"

namespace engine {
namespace {

constexpr int kForever = INT_MAX;

// Values that share memory: a root and the views of it and what is computed in place of them.
struct Group {
  Place place = Place::Arena;
  int index = 0;             // Input, Output
  int64_t bytes = 0;
  int first = 0, last = -1;  // steps
  std::shared_ptr<const Tensor> constant;
};

class Builder {
 public:
  Builder(Plan& plan, const PlanOptions& options) : plan_(plan), graph_(plan.graph), options_(options) {}

  Status run() {
    size_t n = graph_.values.size();
    plan_.slots.resize(n);
    group_.assign(n, -1);
    offset_.assign(n, 0);
    find_last_uses();
    ENGINE_TRY(place_inputs_and_constants());
    for (size_t i = 0; i < graph_.nodes.size(); ++i) ENGINE_TRY(add_step(int(i)));
    ENGINE_TRY(prepare_ops());
    place_outputs();
    lay_out();
    return {};
  }

 private:
  void find_last_uses() {
    last_use_.assign(graph_.values.size(), -1);
    for (size_t i = 0; i < graph_.nodes.size(); ++i)
      for (ValueId v : graph_.nodes[i].inputs)
        if (v >= 0) last_use_[size_t(v)] = int(i);
    for (ValueId v : graph_.outputs) last_use_[size_t(v)] = kForever;
  }

  int new_group(Group group) {
    groups_.push_back(std::move(group));
    return int(groups_.size()) - 1;
  }

  void join(ValueId v, int group, int64_t offset) {
    group_[size_t(v)] = group;
    offset_[size_t(v)] = offset;
    groups_[size_t(group)].last = std::max(groups_[size_t(group)].last, last_use_[size_t(v)]);
  }

  Status place_inputs_and_constants() {
    for (size_t v = 0; v < graph_.values.size(); ++v) {
      plan_.slots[v].type = graph_.values[v].type;
      if (!graph_.values[v].constant) continue;
      Group g;
      g.place = Place::Constant;
      g.constant = graph_.values[v].constant;
      if (g.constant->dtype != DType::String) join(ValueId(v), new_group(g), 0);
      plan_.slots[v].place = Place::Constant;
      plan_.slots[v].constant = g.constant;
    }
    for (size_t i = 0; i < graph_.inputs.size(); ++i) {
      ValueId v = graph_.inputs[i];
      Group g;
      g.place = Place::Input;
      g.index = int(i);
      if (graph_[v].type.static_shape() && graph_[v].type.dtype != DType::String) join(v, new_group(g), 0);
      plan_.slots[size_t(v)].place = Place::Input;
      plan_.slots[size_t(v)].index = int(i);
    }
    return {};
  }

  bool ready(const Node& node) const {
    for (ValueId v : node.inputs) {
      if (v < 0 || graph_[v].type.kind == TypeKind::Sequence || graph_[v].type.kind == TypeKind::Map) continue;
      if (graph_[v].type.kind != TypeKind::Tensor || !graph_[v].type.static_shape()) return false;
    }
    return true;
  }

  Status add_step(int index) {
    const Node& node = graph_.nodes[size_t(index)];
    Step step;
    step.node = index;
    step.refs = int(plan_.refs.size());
    step.inputs = int(node.inputs.size());
    step.outputs = int(node.outputs.size());
    step.captures = node.captures;
    plan_.refs.insert(plan_.refs.end(), node.inputs.begin(), node.inputs.end());
    plan_.refs.insert(plan_.refs.end(), node.outputs.begin(), node.outputs.end());

    bool skip = false;
    if (ready(node)) ENGINE_TRY(prepare(node, index, step, &skip));
    else place_dynamic(node, step, index);
    if (skip) return {};
    for (size_t i = 0; i < node.inputs.size(); ++i) note_release(node.inputs[i], index, step);
    for (ValueId v : node.outputs)
      if (v >= 0 && last_use_[size_t(v)] < 0) note_release(v, index, step);
    plan_.steps.push_back(std::move(step));
    return {};
  }

  void note_release(ValueId v, int index, Step& step) {
    if (v < 0 || group_[size_t(v)] >= 0 || plan_.slots[size_t(v)].place != Place::Dynamic || last_use_[size_t(v)] > index) return;
    if (std::find(step.release.begin(), step.release.end(), v) == step.release.end()) step.release.push_back(v);
  }

  // Inference with what the ops tell of memory; a step that turns out not to be static becomes dynamic. The others are prepared
  // when all are known.
  Status prepare(const Node& node, int index, Step& step, bool* skip) {
    auto later = std::make_unique<Preparation>(graph_, node, options_);
    CompiledBodies bodies;
    InferContext infer(node, later->types, later->values);
    infer.bodies_ = &bodies;
    ENGINE_TRY(infer_node(infer, *later->op));
    for (size_t o = 0; o < node.outputs.size(); ++o) {
      const InferContext::Output& told = infer.outputs[o];
      if (node.outputs[o] < 0 || told.at_run) continue;
      if (!told.type.static_shape() || view_needs_run(node, told)) {
        place_dynamic(node, step, index);
        return {};
      }
    }
    for (const InferContext::Output& o : infer.outputs) later->context.output_types_.push_back(o.type);
    later->index = index;

    *skip = true;
    for (size_t o = 0; o < node.outputs.size(); ++o) {
      if (node.outputs[o] < 0) continue;
      if (place_static(node, int(o), infer.outputs[o], index, step)) *skip = false;
    }
    if (!*skip) later->step = int(plan_.steps.size());
    preparations_.push_back(std::move(later));
    return {};
  }

  Status prepare_ops() {
    ENGINE_TRY(run_preparations(preparations_, options_.threads));
    for (std::unique_ptr<Preparation>& p : preparations_) {
      plan_.scratch_per_worker = std::max(plan_.scratch_per_worker, round_up(p->context.scratch_, int64_t(kAlignment)));
      if (p->step < 0) continue;
      if (p->context.shared_scratch_ > 0) scratch_blocks_.push_back({p->context.shared_scratch_, p->index, p->step});
      plan_.steps[size_t(p->step)].op = std::move(p->op);
    }
    ENGINE_TRY(align_what_is_read());
    preparations_.clear();
    return {};
  }

  // Constants that are not aligned stay so where all that use them have packed them.
  Status align_what_is_read() {
    const std::vector<char> read = read_unpacked();
    for (size_t v = 0; v < graph_.values.size(); ++v)
      if (read[v] && graph_.values[v].constant && !is_aligned(*graph_.values[v].constant)) ENGINE_TRY(align(ValueId(v)));
    return {};
  }

  // By value: whether it is an output, or a node reads it while running.
  std::vector<char> read_unpacked() const {
    std::vector<char> read(graph_.values.size(), 0);
    std::vector<const PackRecorder*> recorders(graph_.nodes.size(), nullptr);
    for (const std::unique_ptr<Preparation>& p : preparations_) recorders[size_t(p->index)] = &p->recorder;
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const std::vector<ValueId>& inputs = graph_.nodes[i].inputs;
      for (size_t k = 0; k < inputs.size(); ++k) {
        const ValueId v = inputs[k];
        if (v < 0 || !graph_[v].constant || reads_unaligned(graph_.nodes[i], k)) continue;
        const bool packed = recorders[i] && recorders[i]->packed(graph_[v].constant.get());
        if (!packed || std::count(inputs.begin(), inputs.end(), v) > 1) read[size_t(v)] = 1;
      }
    }
    for (ValueId v : graph_.outputs) read[size_t(v)] = 1;
    return read;
  }

  Status align(ValueId v) {
    std::shared_ptr<const Tensor>& constant = graph_[v].constant;
    AlignedConstants own;
    ENGINE_ASSIGN(constant, (options_.aligned ? options_.aligned : &own)->get(constant, options_.account));
    groups_[size_t(group_[size_t(v)])].constant = constant;
    return {};
  }

  // A view of memory that is not planned can only be made while running.
  bool view_needs_run(const Node& node, const InferContext::Output& told) const {
    return told.view_of >= 0 && group_[size_t(node.inputs[size_t(told.view_of)])] < 0;
  }

  // Returns whether the op has to run for this output.
  bool place_static(const Node& node, int o, const InferContext::Output& told, int index, Step& step) {
    ValueId v = node.outputs[size_t(o)];
    Slot& slot = plan_.slots[size_t(v)];
    slot.type = told.type;
    if (told.at_run) return true;
    if (told.type.dtype == DType::String) {
      step.allocate.push_back(o);
      return true;
    }
    if (told.view_of >= 0) {
      ValueId source = node.inputs[size_t(told.view_of)];
      join(v, group_[size_t(source)], offset_[size_t(source)] + told.view_offset);
      return false;
    }
    int64_t bytes = told.type.shape.elements() * dtype_size(told.type.dtype);
    for (int i : told.in_place)
      if (can_take_over(node, i, index, bytes)) {
        ValueId source = node.inputs[size_t(i)];
        join(v, group_[size_t(source)], offset_[size_t(source)]);
        return true;
      }
    new_arena_group(v, bytes, index);
    return true;
  }

  void new_arena_group(ValueId v, int64_t bytes, int index) {
    Group g;
    g.bytes = bytes;
    g.first = g.last = index;
    join(v, new_group(g), 0);
  }

  bool can_take_over(const Node& node, int i, int index, int64_t bytes) const {
    if (i >= int(node.inputs.size()) || node.inputs[size_t(i)] < 0) return false;
    ValueId source = node.inputs[size_t(i)];
    int group = group_[size_t(source)];
    if (group < 0 || groups_[size_t(group)].place != Place::Arena || groups_[size_t(group)].last > index) return false;
    const TypeInfo& type = plan_.slots[size_t(source)].type;
    if (type.shape.elements() * dtype_size(type.dtype) != bytes) return false;
    for (ValueId other : node.inputs)
      if (other >= 0 && other != source && group_[size_t(other)] == group) return false;
    for (ValueId other : node.outputs)
      if (other >= 0 && group_[size_t(other)] == group) return false;
    return true;
  }

  void place_dynamic(const Node& node, Step& step, int index) {
    step.op = nullptr;
    for (ValueId v : node.outputs) {
      if (v < 0) continue;
      const TypeInfo& type = graph_[v].type;
      plan_.slots[size_t(v)].type = type;
      if (!type.static_shape() || type.dtype == DType::String) continue;
      Result<int64_t> bytes = checked_bytes(type.shape, dtype_size(type.dtype));
      if (bytes.ok()) new_arena_group(v, bytes.value(), index);
    }
  }

  void place_outputs() {
    for (size_t k = 0; k < graph_.outputs.size(); ++k) {
      ValueId v = graph_.outputs[k];
      PlanOutput out;
      out.value = v;
      const TypeInfo& type = plan_.slots[size_t(v)].type;
      out.fixed = type.static_shape() && type.dtype != DType::String;
      int g = group_[size_t(v)];
      if (g >= 0 && groups_[size_t(g)].place == Place::Arena && out.fixed && offset_[size_t(v)] == 0 &&
          type.shape.elements() * dtype_size(type.dtype) == groups_[size_t(g)].bytes) {
        groups_[size_t(g)].place = Place::Output;
        groups_[size_t(g)].index = int(k);
        out.bound = true;
      }
      plan_.outputs.push_back(out);
    }
  }

  void lay_out() {
    std::vector<Block> blocks;
    std::vector<int> block_of(groups_.size(), -1);
    for (size_t g = 0; g < groups_.size(); ++g) {
      if (groups_[g].place != Place::Arena) continue;
      block_of[g] = int(blocks.size());
      blocks.push_back(Block{groups_[g].bytes, groups_[g].first, groups_[g].last});
    }
    size_t first_scratch = blocks.size();
    for (const ScratchBlock& s : scratch_blocks_) blocks.push_back(Block{s.bytes, s.index, s.index});
    plan_.arena_bytes = place_blocks(blocks);
    for (size_t s = 0; s < scratch_blocks_.size(); ++s)
      plan_.steps[size_t(scratch_blocks_[s].step)].shared_scratch = blocks[first_scratch + s].offset;
    for (size_t v = 0; v < group_.size(); ++v) {
      if (group_[v] < 0) continue;
      const Group& g = groups_[size_t(group_[v])];
      Slot& slot = plan_.slots[v];
      slot.place = g.place;
      slot.index = g.index;
      slot.offset = offset_[v] + (g.place == Place::Arena ? blocks[size_t(block_of[size_t(group_[v])])].offset : 0);
      slot.constant = g.constant;
    }
    for (size_t v = 0; v < plan_.slots.size(); ++v)
      if (plan_.slots[v].place == Place::Dynamic) plan_.dynamic_values.push_back(ValueId(v));
  }

  struct ScratchBlock {
    int64_t bytes;
    int index;  // as in block lifetimes: the node
    int step;
  };

  Plan& plan_;
  Graph& graph_;
  const PlanOptions& options_;
  std::vector<Group> groups_;
  std::vector<int> group_;      // by value; -1: not planned
  std::vector<int64_t> offset_; // by value: into the group's memory
  std::vector<int> last_use_;   // by value: a node, kForever for outputs, -1
  std::vector<ScratchBlock> scratch_blocks_;
  std::vector<std::unique_ptr<Preparation>> preparations_;
};

}  // namespace

Result<RefPtr<Plan>> build_plan(const Graph& graph, std::vector<TypeInfo> input_types, const PlanOptions& options) {
  RefPtr<Plan> plan = make_ref<Plan>();
  plan->graph = clone(graph);
  plan->threads = options.threads;
  for (size_t i = 0; i < input_types.size(); ++i) plan->graph[plan->graph.inputs[i]].type = input_types[i];
  plan->input_types = std::move(input_types);
  PassContext context;
  context.level = options.level;
  context.account = options.account;
  context.specialised = true;
  ENGINE_TRY(optimize(plan->graph, context));
  ENGINE_TRY(Builder(*plan, options).run());
  return plan;
}

}  // namespace engine
