// The load path of a service: read, verify, plan and warm a model, aside from the one that answers.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "service/service.h"

namespace engine {

// A file, or bytes that need not outlive the load.
struct ModelSource {
  std::string path;
  const void* data = nullptr;  // null: the file at `path`
  size_t size = 0;
};

// What is run before a version answers.
struct WarmUp {
  bool enabled = true;
  // Runs asked for, each with the shapes of some inputs by name. Empty: one run on the file's shapes, where they can be made up.
  std::vector<std::vector<std::pair<std::string, Shape>>> runs;
};

// Loads and warms, without publishing. Shapes that calls of the current version had are warmed as well. Charged to the
// service's account: when that does not suffice, versions kept for rollback are given up first. Errors: as Model::load_file;
// InvalidInput when a declared shape does not fit; NotReady, Draining when the service takes no versions any more.
// background: on a thread of low priority, so that calls in flight keep their speed.
Result<RefPtr<Model>> load_for(Service& service, const ModelSource& source, const LoadOptions& options, const WarmUp& warm_up, bool background);

}  // namespace engine
