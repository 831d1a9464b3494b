#include "service/model.h"

#include <cstring>
#include <map>

#include "base/isa.h"
#include "sched/clock.h"
#include "sched/cpus.h"

namespace engine {
namespace {

void count_operators(const Graph& graph, std::map<std::string, int>& counts) {
  for (const Node& node : graph.nodes) {
    ++counts[node.full_op_type()];
    for (const Body& body : node.bodies)
      if (body.graph) count_operators(*body.graph, counts);
  }
}

void count_constants(const Graph& graph, int64_t& parameters, int64_t& bytes) {
  for (const GraphValue& value : graph.values) {
    if (!value.constant) continue;
    parameters += value.constant->elements();
    bytes += value.constant->bytes();
  }
  for (const Node& node : graph.nodes)
    for (const Body& body : node.bodies)
      if (body.graph) count_constants(*body.graph, parameters, bytes);
}

Port port(const GraphValue& value) { return Port{value.name, value.type, value.dim_names}; }

std::vector<Port> ports(const Graph& graph, const std::vector<ValueId>& values) {
  std::vector<Port> out;
  for (ValueId v : values) out.push_back(port(graph[v]));
  return out;
}

}  // namespace

namespace {

Status refuse_random(const Graph& graph) {
  for (const Node& node : graph.nodes) {
    if (node.def->flags & kOpRandom)
      return error(Code::UnsupportedOperator, "%s draws random numbers, so that answers differ from call to call; load with allow_random=True to accept that",
                   node.label().c_str());
    for (const Body& body : node.bodies)
      if (body.graph) ENGINE_TRY(refuse_random(*body.graph));
  }
  return {};
}

}  // namespace

class ModelLoader {
 public:
  explicit ModelLoader(const LoadOptions& options) : options_(options), model_(new Model) {
    model_->account_ = options.account ? options.account : make_ref<MemoryAccount>();
  }

  // read(options, use, digest) reads the model.
  template <class Read>
  Result<RefPtr<Model>> load(Read&& read) {
    const int64_t began = now_ns();
    std::string sha256;
    ENGINE_TRY(read(read_options(), [&](ModelFile file) -> Status {
      model_->load_times_.read = now_ns() - began;
      return make(std::move(file));
    }, &sha256));
    model_->digest_ = "sha256:" + sha256;
    return model_;
  }

 private:
  ReadOptions read_options() const {
    ReadOptions read;
    read.expected_sha256 = options_.sha256;
    read.external_data_dirs = options_.external_data;
    read.external_sha256 = options_.external_sha256;
    read.only_listed_files = options_.only_listed_files;
    read.hash_external_files = options_.hash_external_files;
    read.account = model_->account_;
    read.as_inputs = options_.as_inputs;
    read.dims = options_.dims;
    return read;
  }

  Status make(ModelFile file) {
    ENGINE_TRY(describe(file));
    ENGINE_TRY(compile(std::move(file.graph)));
    return plan_ahead();
  }

  Status describe(ModelFile& file) {
    model_->files_ = std::move(file.files);
    model_->producer_ = file.producer_name + (file.producer_version.empty() ? "" : " " + file.producer_version);
    model_->facts_ = {file.producer_name, file.producer_version, file.domain, file.doc_string, file.graph.name, file.graph_doc_string,
                      file.model_version, file.ir_version};
    model_->metadata_ = file.metadata_props;
    model_->opsets_.assign(file.opsets.begin(), file.opsets.end());
    std::map<std::string, int> counts;
    count_operators(file.graph, counts);
    model_->operators_.assign(counts.begin(), counts.end());
    count_constants(file.graph, model_->parameters_, model_->constant_bytes_);
    model_->inputs_ = ports(file.graph, file.graph.inputs);
    for (const GraphValue& value : file.defaults) model_->default_inputs_.push_back(port(value));
    declared_outputs_ = ports(file.graph, file.graph.outputs);
    return {};
  }

  Status compile(Graph graph) {
    int64_t began = now_ns();
    ENGINE_TRY(isa_status());
    ENGINE_TRY(resolve(graph));
    if (!options_.allow_random) ENGINE_TRY(refuse_random(graph));
    ProgramOptions options;
    options.threads = options_.threads > 0 ? options_.threads : available_cpus();
    options.level = options_.level;
    options.allow_random = options_.allow_random;
    options.account = model_->account_;
    ENGINE_TRY(open_cache());
    options.cache = model_->cache_;
    ENGINE_ASSIGN(model_->program_, Program::make(std::move(graph), options));
    model_->outputs_ = ports(model_->program_->graph(), model_->program_->graph().outputs);
    for (size_t i = 0; i < model_->outputs_.size(); ++i) merge_declared(model_->outputs_[i], declared_outputs_[i]);
    model_->load_times_.optimize = now_ns() - began;
    return {};
  }

  // A folder that cannot be used is not used; one that must not be is an error.
  Status open_cache() {
    RefPtr<PackFolder> folder;
    Status unusable;
    if (!options_.cache.empty()) {
      Result<RefPtr<PackFolder>> opened = PackFolder::open(options_.cache, options_.cache_limit);
      if (opened.ok()) folder = opened.take();
      else unusable = std::move(opened).status();
    }
    if (unusable.code() == Code::InvalidInput) return unusable;
    model_->cache_ = std::make_shared<ModelPackCache>(model_->account_.get(), std::move(folder));
    if (!unusable.ok()) model_->cache_->note(unusable);
    return {};
  }

  // What was inferred of an output decides; what the file declares fills in the dimensions that are open.
  static void merge_declared(Port& port, const Port& declared) {
    port.name = declared.name;
    port.dim_names = declared.dim_names;
    const TypeInfo& told = declared.type;
    if (!port.type.is_tensor() || !told.is_tensor() || port.type.dtype != told.dtype || !told.has_rank) return;
    if (!port.type.has_rank) {
      port.type = told;
    } else if (port.type.shape.rank() == told.shape.rank()) {
      for (int d = 0; d < told.shape.rank(); ++d)
        if (port.type.shape[d] < 0) port.type.shape[d] = told.shape[d];
    }
  }

  // Makes a plan now, so that constants are packed and a model whose shapes are all fixed has the plan that its calls need. Open
  // dimensions are taken as 1: that this one does not fit says nothing of others.
  Status plan_ahead() {
    const Graph& graph = model_->program_->graph();
    std::vector<Value> inputs(graph.inputs.size());
    std::vector<const Value*> refs;
    bool fixed = true;
    for (size_t i = 0; i < graph.inputs.size(); ++i) {
      const TypeInfo& type = graph[graph.inputs[i]].type;
      if (!type.is_tensor() || !type.has_rank) return {};
      inputs[i].kind = ValueKind::Tensor;
      inputs[i].tensor.dtype = type.dtype;
      for (int64_t d : type.shape) {
        inputs[i].tensor.shape.push_back(d < 0 ? 1 : d);
        fixed &= d >= 0;
      }
      refs.push_back(&inputs[i]);
    }
    int64_t began = now_ns();
    Result<RefPtr<PlanEntry>> entry = model_->program_->entry_for(refs);
    model_->load_times_.plan = now_ns() - began;
    return entry.ok() || !fixed ? Status() : std::move(entry).status();
  }

  const LoadOptions& options_;
  RefPtr<Model> model_;
  std::vector<Port> declared_outputs_;
};

Status Model::warm_up(const std::vector<TypeInfo>& types, RunControl& control) {
  std::vector<Value> inputs(types.size()), outputs(outputs_.size());
  std::vector<const Value*> refs;
  for (size_t i = 0; i < types.size(); ++i) {
    refs.push_back(types[i].kind == TypeKind::Tensor ? &inputs[i] : nullptr);
    if (types[i].kind != TypeKind::Tensor) continue;
    ENGINE_ASSIGN(inputs[i].tensor, make_tensor(types[i].dtype, types[i].shape, account_.get(), "an input for warming up"));
    inputs[i].kind = ValueKind::Tensor;
    if (types[i].dtype != DType::String) std::memset(inputs[i].tensor.data, 0, size_t(inputs[i].tensor.bytes()));
  }
  Result<RefPtr<PlanEntry>> entry = program_->entry_for(refs);
  if (!entry.ok()) {
    Status status = std::move(entry).status();
    return status.code() == Code::InvalidModel ? Status(Code::InvalidInput, status.message()) : std::move(status);
  }
  RunContext context(control, threads());
  Status status = program_->run_entry(*entry.value(), context, refs, outputs);
  bool counts = !control.go() || status.code() == Code::MemoryLimitExceeded;
  return counts ? std::move(status) : Status();
}

static bool may_have(const TypeInfo& type, const Shape& shape) {
  if (!type.has_rank) return true;
  if (type.shape.rank() != shape.rank()) return false;
  for (int d = 0; d < shape.rank(); ++d)
    if (type.shape[d] >= 0 && shape[d] != type.shape[d]) return false;
  return true;
}

Result<std::vector<TypeInfo>> Model::types_of_call(std::span<const Shape* const> shapes) const {
  std::vector<TypeInfo> types;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    TypeInfo type = inputs_[i].type;
    if (type.kind != TypeKind::Tensor) return error(Code::InvalidInput, "input '%s' is no tensor: its warm-up cannot be made up", inputs_[i].name.c_str());
    if (shapes[i] && !may_have(type, *shapes[i]))
      return error(Code::InvalidInput, "input '%s' has another shape in the model: %s", inputs_[i].name.c_str(), type.text().c_str());
    if (shapes[i]) type = TypeInfo::tensor(type.dtype, *shapes[i]);
    else if (!type.has_rank) return error(Code::InvalidInput, "input '%s' has no rank: its warm-up needs a shape", inputs_[i].name.c_str());
    for (int d = 0; d < type.shape.rank(); ++d)
      if (type.shape[d] < 0) type.shape[d] = 1;
    types.push_back(std::move(type));
  }
  return types;
}

Result<RefPtr<Model>> Model::load_file(const std::string& path, const LoadOptions& options) {
  return ModelLoader(options).load([&](const ReadOptions& read, const ModelUse& use, std::string* sha256) { return use_model(path, read, use, sha256); });
}

Result<RefPtr<Model>> Model::load_bytes(const void* data, size_t size, const LoadOptions& options) {
  return ModelLoader(options).load(
      [&](const ReadOptions& read, const ModelUse& use, std::string* sha256) { return use_model_bytes(data, size, read, use, sha256); });
}

}  // namespace engine
