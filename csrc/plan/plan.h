// A graph made ready to run on inputs of given shapes: steps in order and where every value lies.
//
// Immutable once built; any number of calls run it at once, each with a RunState of its own.
#pragma once

#include <memory>
#include <vector>

#include "ops/op_evaluate.h"
#include "passes/pass.h"

namespace engine {

enum class Place : uint8_t {
  Input,     // in the memory of input `index`, `offset` bytes in
  Output,    // in the memory of output `index`, `offset` bytes in
  Constant,  // where the constant is
  Arena,     // `offset` bytes into the arena
  Dynamic,   // allocated while running; or no tensor
};

struct Slot {
  Place place = Place::Dynamic;
  int index = 0;
  int64_t offset = 0;
  TypeInfo type;
  std::shared_ptr<const Tensor> constant;
};

struct Step {
  std::unique_ptr<Op> op;         // null for a dynamic step: it is prepared while running
  int node = 0;                   // in Plan::graph.nodes
  int refs = 0;                   // first of its inputs, then outputs, in Plan::refs
  int inputs = 0, outputs = 0, captures = 0;
  int64_t shared_scratch = -1;    // offset in the arena; -1: none
  std::vector<int> allocate;      // outputs (positions) whose shape is known but whose memory is not planned: strings
  std::vector<ValueId> release;   // dynamic values that nobody needs after this step
};

// How the call's outputs come about.
struct PlanOutput {
  ValueId value = 0;
  bool bound = false;             // computed right in the caller's memory; otherwise copied or handed over at the end
  bool fixed = false;             // the type is known beforehand: a tensor (no string) of known shape, so the caller may give memory
};

class Plan : public RefCounted {
 public:
  // The value inputs on which the plan was made: shapes, and types of what is no tensor.
  std::vector<TypeInfo> input_types;
  Graph graph;
  std::vector<Slot> slots;        // by ValueId
  std::vector<Step> steps;
  std::vector<ValueId> refs;      // kNoValue where left out
  std::vector<PlanOutput> outputs;
  std::vector<ValueId> dynamic_values;
  int64_t arena_bytes = 0, scratch_per_worker = 0;
  int threads = 1;
};

class AlignedConstants;

struct PlanOptions {
  int threads = 1;
  Level level = Level::All;
  PackCache* cache = nullptr;
  AlignedConstants* aligned = nullptr;  // null: copies belong to the plan
  MemoryAccount* account = nullptr;
};

// Specialises a copy of `graph` (optimised at load) to the input types, chooses, packs and lays out.
// InvalidInput when the inputs' shapes do not fit the model.
Result<RefPtr<Plan>> build_plan(const Graph& graph, std::vector<TypeInfo> input_types, const PlanOptions& options);

}  // namespace engine
