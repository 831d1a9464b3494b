#include "api/custom_library.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <set>

#include "sched/fork.h"

namespace engine {
namespace {

// What the first version of custom_op.h had; structs grow at their ends.
constexpr uint32_t kFirstLibrary = offsetof(EngineLibrary, reserved) + sizeof(int32_t);
constexpr uint32_t kFirstOperator = offsetof(EngineOperator, user_data) + sizeof(void*);

Status invalid(const char* what) { return Status(Code::InvalidModel, what); }

// Copies a struct of another version of custom_op.h: what that did not have is 0, what this does not know must be.
template <class T>
Status read_struct(const void* from, uint32_t size, uint32_t first, const char* what, T* to) {
  const auto* bytes = static_cast<const char*>(from);
  if (size < first) return error(Code::InvalidModel, "its %s has %u bytes; at least %u are wanted", what, size, first);
  if (std::any_of(bytes + std::min<size_t>(size, sizeof(T)), bytes + size, [](char b) { return b != 0; }))
    return error(Code::InvalidModel, "its %s uses what this version does not have; build it against this version's custom_op.h", what);
  *to = T{};
  std::memcpy(static_cast<void*>(to), from, std::min<size_t>(size, sizeof(T)));
  return {};
}

Status read_library(const EngineLibrary* told, EngineLibrary* library) {
  if (!told) return invalid("engine_operators returned null");
  if (told->abi_version != ENGINE_ABI_VERSION)
    return error(Code::InvalidModel, "it was built for version %u of the interface; this engine has version %u: build it against this version's custom_op.h",
                 told->abi_version, ENGINE_ABI_VERSION);
  ENGINE_TRY(read_struct(told, told->struct_size, kFirstLibrary, "EngineLibrary", library));
  if (library->api_size > sizeof(EngineApi))
    return error(Code::InvalidModel, "it was built against a newer custom_op.h (%u bytes of functions; this engine has %zu)", library->api_size, sizeof(EngineApi));
  if (library->operator_count < 1 || !library->operators) return invalid("it has no operators");
  return {};
}

bool counts_fit(int32_t least, int32_t most, int32_t limit) { return least >= 0 && most >= -1 && (most < 0 || least <= most) && most <= limit; }

Status check_operator(const EngineOperator& op) {
  constexpr int32_t kMost = 1024;
  if (!op.domain || !op.name || !*op.name) return invalid("an operator has no domain or no name");
  auto wrong = [&](const char* what) { return error(Code::InvalidModel, "operator %s.%s: %s", op.domain, op.name, what); };
  if (!op.infer) return wrong("infer is null");
  if (!op.run) return wrong("run is null");
  if (op.since < 1 || op.until < 0 || (op.until > 0 && op.until < op.since)) return wrong("its versions (since, until) are no range from 1 on");
  if (!counts_fit(op.min_inputs, op.max_inputs, kMost)) return wrong("its numbers of inputs are no range");
  if (!counts_fit(op.min_outputs, op.max_outputs, kMost) || op.max_outputs == 0) return wrong("its numbers of outputs are no range from 1 on");
  if (op.flags & ~uint32_t(ENGINE_RANDOM | ENGINE_NO_FOLD)) return wrong("it has flags that this version does not know");
  if (op.reserved != 0) return wrong("reserved is not 0");
  return {};
}

class Taken {
 public:
  bool has(OperatorsFunction entry) {
    std::lock_guard<ForkMutex> lock(mutex_);
    return entries_.count(entry) > 0;
  }
  void add(OperatorsFunction entry) {
    std::lock_guard<ForkMutex> lock(mutex_);
    entries_.insert(entry);
  }

 private:
  ForkMutex mutex_;
  std::set<OperatorsFunction> entries_;
};

Taken& taken() {
  static auto* t = new Taken;
  return *t;
}

const EngineLibrary* ask(OperatorsFunction entry) {
  try {
    return entry();
  } catch (...) {
    return nullptr;
  }
}

}  // namespace

Status register_library(OperatorsFunction entry, const std::string& origin, const std::string& identity) {
  if (taken().has(entry)) return {};
  EngineLibrary library;
  ENGINE_TRY(read_library(ask(entry), &library));
  const std::string build = format("%s %s %s", library.name ? library.name : "", library.version ? library.version : "", identity.c_str());
  std::vector<std::unique_ptr<AddedOperator>> rows;
  for (int32_t i = 0; i < library.operator_count; ++i) {
    EngineOperator op;
    const char* at = reinterpret_cast<const char*>(library.operators) + size_t(i) * library.operator_size;
    ENGINE_TRY(read_struct(at, library.operator_size, kFirstOperator, "EngineOperator", &op));
    ENGINE_TRY(check_operator(op));
    rows.push_back(std::make_unique<CustomDefinition>(op, origin, build));
  }
  ENGINE_TRY(add_operators(std::move(rows), false));
  taken().add(entry);
  return {};
}

Status register_operator(const EngineOperator& op, const std::string& origin, bool replace) {
  ENGINE_TRY(check_operator(op));
  std::vector<std::unique_ptr<AddedOperator>> rows;
  rows.push_back(std::make_unique<CustomDefinition>(op, origin, origin));
  return add_operators(std::move(rows), replace);
}

}  // namespace engine
