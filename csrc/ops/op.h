// The contract of an operator.
//
// An operator is one file csrc/ops/<name>.cpp with a class derived from Op and, at its end, `void op_<name>(OpTable&)` that
// enters it into the table, once for each ONNX version at which its meaning or signature changed. An Op object belongs to one
// node of one plan. Its life: infer (may be called several times, with more known each time), prepare (once, every input
// shape known), then run (const, by any number of calls at once).
//
//   infer    reads attributes, checks inputs, tells the outputs' types and, where the inputs' shapes are known, shapes
//   prepare  chooses kernels, packs constants, asks for scratch memory
//   run      computes outputs, whose memory is there already when infer told their shapes, in tiles through r.parallel
//
// Errors: a Status with a text that says what was found and what is allowed; the caller puts the node's label before it.
// At load an inconsistency is InvalidModel, a dtype or feature that is not implemented is UnsupportedOperator. At run time
// the executor turns InvalidModel into InvalidInput.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "ops/op_table.h"
#include "sched/run_context.h"
#include "tensor/value.h"

namespace engine {

class InferContext;
class PrepareContext;
class OpRun;

class Op {
 public:
  virtual ~Op() = default;
  virtual Status infer(InferContext& c) = 0;
  virtual Status prepare(PrepareContext& c);
  virtual Status run(OpRun& r) const = 0;
};

// A compiled body (then_branch, loop body, ...): runs with inputs = its formal inputs, then the captured values.
class Subprogram {
 public:
  virtual ~Subprogram() = default;
  virtual int inputs() const = 0;
  virtual int outputs() const = 0;
  // The types of the outputs as far as they are known without running.
  virtual TypeInfo output_type(int i) const = 0;
  // Computes outputs from inputs (null: left out) on the caller's context. Outputs own their memory (they may share that of
  // an input). Stops at the context's deadline. Thread-safe.
  virtual Status run(RunContext& context, std::span<const Value* const> inputs, std::span<Value> outputs) = 0;
};

// How infer learns what a node's bodies make. Implemented by whoever drives inference.
class BodyInference {
 public:
  virtual ~BodyInference() = default;
  // The types of the outputs of the body that is attribute `name`, its formal inputs having these types (a type of kind
  // Unknown, or without shape, where nothing is known). Captured values are seen to.
  virtual Result<std::vector<TypeInfo>> infer_body(const Node& node, const char* name, std::span<const TypeInfo> formal) = 0;
};

// What infer may ask and must tell.
class InferContext {
 public:
  virtual ~InferContext() = default;
  InferContext(const Node& node, std::span<const TypeInfo* const> inputs, std::span<const Tensor* const> values);

  const Node& node() const { return node_; }
  int opset() const { return node_.opset; }

  // Attributes. The second argument is what an absent attribute means.
  bool has(const char* name) const { return attribute(name) != nullptr; }
  int64_t attr_int(const char* name, int64_t fallback) const;
  float attr_float(const char* name, float fallback) const;
  std::string attr_string(const char* name, const char* fallback) const;
  std::vector<int64_t> attr_ints(const char* name) const;       // empty when absent
  std::vector<float> attr_floats(const char* name) const;
  std::vector<std::string> attr_strings(const char* name) const;
  const Tensor* attr_tensor(const char* name) const;            // null when absent
  const TypeInfo* attr_type(const char* name) const;
  const Attribute* attribute(const char* name) const;

  // Inputs, without captures. A position may be past the end: then it is left out.
  int input_count() const { return int(inputs_.size()) - node_.captures; }
  bool has_input(int i) const { return i < input_count() && inputs_[size_t(i)] != nullptr; }
  const TypeInfo& type(int i) const { return *inputs_[size_t(i)]; }
  DType dtype(int i) const { return type(i).dtype; }
  // True when input i is a tensor of which every dimension is known. Always true for tensors in prepare.
  bool known(int i) const { return has_input(i) && type(i).static_shape(); }
  // True when every present tensor input is known().
  bool all_known() const;
  // The rank is known (dimensions may be kUnknownDim).
  bool has_rank(int i) const { return has_input(i) && type(i).is_tensor() && type(i).has_rank; }
  // REQUIRES: has_rank(i).
  const Shape& shape(int i) const { return type(i).shape; }
  // The elements of input i where they are known already (a constant, folded shape arithmetic, or at run time), else null.
  const Tensor* value(int i) const {
    if (!has_input(i)) return nullptr;
    value_reads_ |= uint64_t(1) << (i & 63);
    return values_[size_t(i)];
  }
  // The inputs whose value() was asked for, as bits (position modulo 64).
  uint64_t value_reads() const { return value_reads_; }
  // The integers (int32 or int64 tensor) of input i; REQUIRES: value(i).
  std::vector<int64_t> integers(int i) const;

  // For operators with bodies: see BodyInference.
  Result<std::vector<TypeInfo>> infer_body(const char* name, std::span<const TypeInfo> formal) {
    return bodies_->infer_body(node_, name, formal);
  }

  // Input i must be a tensor with a dtype of the set: else UnsupportedOperator (a dtype) or InvalidModel (no tensor, or left out).
  Status require(int i, DTypeSet allowed) const;
  // Inputs i and j must have one dtype.
  Status require_same(int i, int j) const;

  int output_count() const { return int(node_.outputs.size()); }
  bool has_output(int o) const { return o < output_count() && node_.outputs[size_t(o)] != kNoValue; }

  // Telling the outputs. set() without a shape: the shape is not known (yet). Outputs that do not exist are ignored.
  void set(int o, TypeInfo type);
  void set(int o, DType dtype) { set(o, TypeInfo::tensor(dtype)); }
  void set(int o, DType dtype, const Shape& shape) { set(o, TypeInfo::tensor(dtype, shape)); }
  // Output o's shape depends on the inputs' elements: run allocates it (OpRun::allocate), or passes on or makes a value.
  // Also for sequences, optionals and maps. Call it besides set(o, type).
  void set_at_run(int o);
  // Output o is input i's memory from byte `offset` on (plain layout, contiguous): nothing moves, run is not asked to fill o.
  // When every output is a view, run is not called at all. Call it besides set(o, dtype, shape).
  void set_view(int o, int i, int64_t offset = 0);
  // Output o's elements follow from what is known already (the inputs' shapes, say): a small tensor.
  void set_value(int o, Tensor value);
  // Output o may be computed in input i's memory (same byte size; run reads an element before it writes it).
  void allow_in_place(int o, int i);

  struct Output {
    TypeInfo type;
    bool at_run = false;
    int view_of = -1;
    int64_t view_offset = 0;
    std::vector<int> in_place;
    std::shared_ptr<const Tensor> value;
  };
  std::vector<Output> outputs;
  BodyInference* bodies_ = nullptr;

 protected:
  const Node& node_;
  std::span<const TypeInfo* const> inputs_;
  std::span<const Tensor* const> values_;
  mutable uint64_t value_reads_ = 0;
};

// A packed form of constants: whatever has equal sources, kind and bytes holds the same.
struct Packing {
  std::span<const std::shared_ptr<const Tensor>> sources;  // the one that is packed first
  std::string kind;                                        // all that fill depends on besides
  int64_t bytes = 0;
  void (*fill)(void* arg, char* memory) = nullptr;         // writes it; `memory` is aligned to kAlignment
  void* arg = nullptr;
};

// Packed constants, shared by all plans of a model. Thread-safe.
class PackCache {
 public:
  virtual ~PackCache() = default;
  // The packed form, not to be written to.
  virtual Result<RefPtr<Buffer>> get(const Packing& packing) = 0;
};

// What prepare may ask besides: every shape is known.
class PrepareContext : public InferContext {
 public:
  using InferContext::InferContext;

  // True when input i never changes in this plan (a constant of the model, or folded).
  bool is_constant(int i) const { return value(i) != nullptr; }

  // Packed form of constant input i: `bytes` bytes that fill(memory) writes, kept as long as this Op. Shared with every
  // plan of the model, and with other processes perhaps: `kind` must tell all that fill depends on besides input i and the
  // inputs `also`, in words that mean the same in every process (layout, parameters; no addresses). The instruction set
  // need not be told. REQUIRES: is_constant(i), is_constant of each of `also`.
  template <class Fill>
  Result<RefPtr<Buffer>> pack(int i, const std::string& kind, int64_t bytes, Fill&& fill, std::span<const int> also = {}) {
    using Fn = std::remove_reference_t<Fill>;
    return pack_with(i, also, {{}, kind, bytes, [](void* f, char* memory) { (*static_cast<Fn*>(f))(memory); }, &fill});
  }
  // Memory of this Op, charged to the model.
  Result<RefPtr<Buffer>> allocate(int64_t bytes);

  // run will need this many bytes for each worker (OpRun::scratch), and this many once (OpRun::shared_scratch).
  void need_scratch(int64_t bytes_per_worker) { scratch_ = std::max(scratch_, bytes_per_worker); }
  void need_shared_scratch(int64_t bytes) { shared_scratch_ = std::max(shared_scratch_, bytes); }

  int threads() const { return threads_; }
  // Output o's dtype and shape as infer told them. REQUIRES: not at_run.
  const Shape& output_shape(int o) const { return output_types_[size_t(o)].shape; }
  DType output_dtype(int o) const { return output_types_[size_t(o)].dtype; }

  // The compiled body of that attribute name; null when there is none.
  Subprogram* body(const char* name) const;

  int64_t scratch_ = 0, shared_scratch_ = 0;
  int threads_ = 1;
  std::vector<TypeInfo> output_types_;
  std::span<const std::shared_ptr<const Tensor>> constants_;  // per input; set for the model's own constants
  PackCache* cache_ = nullptr;
  MemoryAccount* account_ = nullptr;

 private:
  Result<RefPtr<Buffer>> pack_with(int i, std::span<const int> also, Packing packing);
};

// One run of one step.
class OpRun {
 public:
  RunContext& context() { return *context_; }

  int input_count() const { return input_count_ - captures_; }
  bool has(int i) const { return i < input_count() && inputs_[i] && inputs_[i]->kind != ValueKind::None; }
  // REQUIRES: has(i), a tensor.
  const Tensor& in(int i) const { return inputs_[i]->tensor; }
  template <class T>
  const T* in(int i) const {
    return inputs_[i]->tensor.as<T>();
  }
  // Any kind; null when left out. An empty optional is a value of kind None.
  const Value* value(int i) const { return i < input_count() ? inputs_[i] : nullptr; }
  // All inputs, captures last.
  std::span<const Value* const> all_inputs() const { return {inputs_, size_t(input_count_)}; }
  std::span<const Value* const> captured() const { return {inputs_ + (input_count_ - captures_), size_t(captures_)}; }

  int output_count() const { return output_count_; }
  bool wants(int o) const { return o < output_count_ && outputs_[o] != nullptr; }
  // REQUIRES: wants(o); memory is there (shape told by infer, or after allocate).
  Tensor& out(int o) { return outputs_[o]->tensor; }
  template <class T>
  T* out(int o) {
    return outputs_[o]->tensor.as<T>();
  }
  // For outputs that are at_run: gives output o memory of this dtype and shape.
  Status allocate(int o, DType dtype, const Shape& shape);
  // For outputs that are at_run: output o becomes `value` (which owns its memory, or shares an input's through own()).
  void set(int o, Value value) { *outputs_[o] = std::move(value); }
  // A value that may outlive this step: `value` itself when it owns its memory, else a copy.
  Result<Value> own(const Value& value);
  // A new tensor outside the plan, charged to the model.
  Result<Tensor> make(DType dtype, const Shape& shape);
  // Sets all bytes to 0, in tiles. REQUIRES: no strings.
  Status clear(const Tensor& t);
  // copy_elements in tiles.
  Status copy(const Tensor& from, void* to);
  // Copies `rows` runs of `count` elements, which begin `from_step` and `to_step` elements after each other, in tiles.
  Status copy_rows(DType dtype, int64_t rows, int64_t count, const void* from, int64_t from_step, void* to, int64_t to_step);

  template <class Body>
  Status parallel(int64_t items, double ns_per_item, Body&& body) {
    return context_->parallel(items, ns_per_item, std::forward<Body>(body));
  }
  Status checkpoint() { return context_->checkpoint(); }
  // Whether the caller of load accepts answers that differ from call to call.
  bool random_allowed() const { return random_allowed_; }
  int workers() const { return context_->threads(); }
  template <class T = char>
  T* scratch(int worker) {
    return reinterpret_cast<T*>(context_->scratch(worker));
  }
  template <class T = char>
  T* shared_scratch() {
    return reinterpret_cast<T*>(shared_scratch_);
  }

  const Value* const* inputs_ = nullptr;
  Value* const* outputs_ = nullptr;
  int input_count_ = 0, output_count_ = 0, captures_ = 0;
  RunContext* context_ = nullptr;
  MemoryAccount* account_ = nullptr;
  char* shared_scratch_ = nullptr;
  bool random_allowed_ = false;
};

enum OpFlags : unsigned {
  kOpPlain = 0,
  kOpRandom = 1,    // never folded or merged: each run differs
  kOpNoFold = 2,    // never folded at load (its result is large for what it stands for)
  kOpMayDraw = 4,   // as kOpRandom when an input says so; run asks OpRun::random_allowed before it draws
};

// A row of the table.
struct OpDef {
  const char* domain;
  const char* name;
  int since;                     // from this version of the domain on, until the next row of that name
  int min_inputs, max_inputs;    // max -1: any number
  int min_outputs, max_outputs;
  std::unique_ptr<Op> (*make)();
  unsigned flags = kOpPlain;
};

class OpTable {
 public:
  void add(const OpDef& def) { rows_.push_back(def); }
  // add<T>("", "Softmax", 13, 1, 1): domain, name, since, inputs min and max, then outputs min and max, flags.
  template <class T>
  void add(const char* domain, const char* name, int since, int min_inputs, int max_inputs, int min_outputs = 1,
           int max_outputs = 1, unsigned flags = kOpPlain) {
    add(OpDef{domain, name, since, min_inputs, max_inputs, min_outputs, max_outputs,
              []() -> std::unique_ptr<Op> { return std::make_unique<T>(); }, flags});
  }
  // The row for that version: the largest `since` that is not above it. Null when there is none.
  const OpDef* find(const std::string& domain, const std::string& name, int version) const;
  const std::vector<OpDef>& rows() const { return rows_; }

 private:
  std::vector<OpDef> rows_;
};

// The table of all operators, built once.
const OpTable& op_table();

// Sets Node::def of every node of the graph and its bodies and checks the counts of inputs and outputs. UnsupportedOperator
// lists every operator (with its domain and version) that has no row.
Status resolve(Graph& graph);

// Runs infer for one node: a fresh Op, or `op` when given, on these types and values. The Status carries the node's label.
Status infer_node(InferContext& context, Op& op);

}  // namespace engine
