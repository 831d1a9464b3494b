#include "service/loader.h"

#include <algorithm>
#include <functional>
#include <new>
#include <optional>

#include "sched/background.h"

namespace engine {
namespace {

// A run that nobody asked for keeps a model from being ready for a quarter of the time that loading it took: what it is for, a
// plan and memory that was touched, comes with its first steps.
constexpr int64_t kMadeUpRunPart = 4, kMadeUpRunNs = 1'000'000'000, kMadeUpRunLeastNs = 2'000'000;
constexpr size_t kSignaturesWarmed = 8;

// Runs a model on zeros, once for each signature.
class Warming {
 public:
  explicit Warming(Model& model) : model_(model) {}

  Status run(const std::vector<TypeInfo>& types, RunControl& control) {
    std::string signature;
    for (const TypeInfo& type : types) signature += type.text() + ", ";
    if (std::find(done_.begin(), done_.end(), signature) != done_.end()) return {};
    done_.push_back(std::move(signature));
    return model_.warm_up(types, control);
  }
  Status run(std::span<const Shape* const> shapes, RunControl& control) {
    ENGINE_ASSIGN(std::vector<TypeInfo> types, model_.types_of_call(shapes));
    return run(types, control);
  }
  const Model& model() const { return model_; }

 private:
  Model& model_;
  std::vector<std::string> done_;
};

Status warm_declared(Warming& warming, const std::vector<std::pair<std::string, Shape>>& named, RunControl& control) {
  const Model& model = warming.model();
  std::vector<const Shape*> shapes(model.inputs().size(), nullptr);
  for (const auto& [name, shape] : named) {
    size_t i = 0;
    while (i < shapes.size() && model.inputs()[i].name != name) ++i;
    if (i == shapes.size()) return error(Code::InvalidInput, "warm-up: the model has no input '%s'", name.c_str());
    shapes[i] = &shape;
  }
  return warming.run(shapes, control).with_context("warm-up");
}

// Only what keeps the version from answering at all is an error here.
Status unless_it_does_not_fit(Status status) {
  return status.code() == Code::MemoryLimitExceeded || status.code() == Code::Cancelled ? std::move(status) : Status();
}

Status warm(Service& service, Model& model, const WarmUp& warm_up, int64_t load_ns) {
  if (!warm_up.enabled) return {};
  RunControl control(kNever, nullptr, &service.abort());
  Warming warming(model);
  for (const auto& run : warm_up.runs) ENGINE_TRY(warm_declared(warming, run, control));
  if (RefPtr<Version> current = service.slot().get())
    for (const std::vector<TypeInfo>& types : current->model().program().recent_signatures(kSignaturesWarmed)) {
      if (types.size() != model.inputs().size()) break;
      ENGINE_TRY(unless_it_does_not_fit(warming.run(types, control)));
    }
  if (!warm_up.runs.empty()) return {};
  RunControl bounded(now_ns() + std::clamp(load_ns / kMadeUpRunPart, kMadeUpRunLeastNs, kMadeUpRunNs), nullptr, &service.abort());
  std::vector<const Shape*> shapes(model.inputs().size(), nullptr);
  return unless_it_does_not_fit(warming.run(shapes, bounded));
}

Result<RefPtr<Model>> load_once(Service& service, const ModelSource& source, const LoadOptions& options, const WarmUp& warm_up) try {
  const int64_t began = now_ns();
  Result<RefPtr<Model>> loaded = source.data ? Model::load_bytes(source.data, source.size, options) : Model::load_file(source.path, options);
  if (!loaded.ok()) return loaded;
  const int64_t loaded_at = now_ns();
  ENGINE_TRY(warm(service, *loaded.value(), warm_up, loaded_at - began));
  loaded.value()->set_warm_up_time(now_ns() - loaded_at);
  return loaded;
} catch (const std::bad_alloc&) {
  return error(Code::MemoryLimitExceeded, "the system refuses memory while loading");
}

Status takes_versions(const Service& service) { return service.state() == State::Loading ? Status() : service.accepts(); }

Result<RefPtr<Model>> load_within_memory(Service& service, const ModelSource& source, const LoadOptions& options, const WarmUp& warm_up) {
  ENGINE_TRY(takes_versions(service));
  Result<RefPtr<Model>> loaded = load_once(service, source, options, warm_up);
  if (loaded.ok()) return loaded;
  Status status = std::move(loaded).status();
  if (status.code() == Code::Cancelled) ENGINE_TRY(takes_versions(service));
  if (status.code() != Code::MemoryLimitExceeded || service.forget_versions() == 0) return status;
  return load_once(service, source, options, warm_up);
}

}  // namespace

Result<RefPtr<Model>> load_for(Service& service, const ModelSource& source, const LoadOptions& given, const WarmUp& warm_up, bool background) try {
  LoadOptions options = given;
  options.account = service.account();
  if (!background) return load_within_memory(service, source, options, warm_up);
  std::optional<Result<RefPtr<Model>>> result;
  auto load = [&] { result.emplace(load_within_memory(service, source, options, warm_up)); };
  run_in_background(std::ref(load));
  return std::move(*result);
} catch (const std::bad_alloc&) {
  return error(Code::MemoryLimitExceeded, "the system refuses memory while loading");
}

}  // namespace engine
