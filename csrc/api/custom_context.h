// What the callbacks infer and prepare of a user's operator ask, and what they have told.
#pragma once

#include <deque>
#include <vector>

#include "api/custom_operator.h"

namespace engine {

struct CustomContext : EngineContext {
  // prepare: null while types are inferred.
  CustomContext(const CustomDefinition& def, InferContext& infer, PrepareContext* prepare);

  static CustomContext& of(EngineContext* c) { return *static_cast<CustomContext*>(c); }
  // Keeps the first error.
  void fail(Status status);
  // Calls fn, which may throw std::bad_alloc only; then returns `otherwise`, and the callback has failed.
  template <class T, class Fn>
  T guarded(T otherwise, Fn&& fn) {
    try {
      return fn();
    } catch (const std::bad_alloc&) {
      fail(Status(Code::MemoryLimitExceeded, "out of memory"));
      return otherwise;
    }
  }
  const EngineTensor* keep(const Tensor* tensor);

  const CustomDefinition& def;
  InferContext& infer;
  PrepareContext* prepare;
  Status told;
  std::vector<CustomOperator::Stage> stages;
  std::vector<RefPtr<Buffer>> packed;
  int64_t shared_scratch = 0;

 private:
  std::deque<EngineTensor> views_;  // addresses stay
};

// Puts the functions of infer and prepare into the table.
void fill_context_functions(EngineApi& api);
// Puts the functions of run into the table.
void fill_run_functions(EngineApi& api);

}  // namespace engine
