#include "api/custom_operator.h"

#include "api/custom_context.h"
#include "api/custom_run.h"

namespace engine {
namespace {

const CustomDefinition& definition(const InferContext& c) { return *static_cast<const CustomDefinition*>(c.node().def); }

// Calls a callback; nothing that it throws goes further.
template <class Fn>
int32_t call(CustomContext& context, const char* name, Fn&& fn) {
  try {
    return fn();
  } catch (const std::bad_alloc&) {
    context.fail(Status(Code::MemoryLimitExceeded, "out of memory"));
  } ENGINE_CATCH_THREAD_END catch (...) {
    context.fail(custom_error(ENGINE_FAILED, format("%s threw an exception, which callbacks must not", name)));
  }
  return ENGINE_FAILED;
}

Status check_inputs(const CustomDefinition& def, const InferContext& c) {
  if (!c.node().bodies.empty()) return error(Code::UnsupportedOperator, "operators that are registered have no subgraphs");
  for (int i = 0; i < c.input_count(); ++i)
    if (c.has_input(i)) ENGINE_TRY(c.require(i, def.input_dtypes(i)));
  return {};
}

// Whether infer asked for elements that are not there yet: with them it may tell more.
bool waits_for_values(const InferContext& c) {
  const uint64_t reads = c.value_reads();
  for (int i = 0; i < c.input_count(); ++i)
    if ((reads >> (i & 63)) & 1 && c.has_input(i) && !c.value(i)) return true;
  return false;
}

}  // namespace

const EngineApi& custom_api() {
  static const EngineApi api = [] {
    EngineApi a{};
    a.abi_version = ENGINE_ABI_VERSION;
    a.struct_size = sizeof(EngineApi);
    fill_context_functions(a);
    fill_run_functions(a);
    return a;
  }();
  return api;
}

CustomOperator::~CustomOperator() {
  if (state_ && def_->op.destroy) def_->op.destroy(state_);
}

int64_t CustomOperator::views_bytes(int tensors) {
  return (int64_t(sizeof(EngineTensor)) * tensors + int64_t(kAlignment) - 1) / int64_t(kAlignment) * int64_t(kAlignment);
}

Status CustomOperator::infer(InferContext& c) {
  def_ = &definition(c);
  ENGINE_TRY(check_inputs(*def_, c));
  CustomContext context(*def_, c, nullptr);
  int32_t returned = call(context, "infer", [&] { return def_->op.infer(&context); });
  ENGINE_TRY(custom_outcome("infer", returned, std::move(context.told)));
  const bool told_all = c.all_known() && !waits_for_values(c);
  output_types_.clear();
  for (int o = 0; o < c.output_count(); ++o) {
    const TypeInfo& type = c.outputs[size_t(o)].type;
    if (c.has_output(o) && !type.is_tensor()) return custom_error(ENGINE_FAILED, format("infer told no type of output %d", o));
    if (c.has_output(o) && told_all && !type.static_shape()) c.set_at_run(o);
    output_types_.push_back(type);
  }
  return {};
}

Status CustomOperator::prepare(PrepareContext& c) {
  CustomContext context(*def_, c, &c);
  int32_t returned = ENGINE_OK;
  if (def_->op.prepare) returned = call(context, "prepare", [&] { return def_->op.prepare(&context, &state_); });
  ENGINE_TRY(custom_outcome("prepare", returned, std::move(context.told)));
  stages_ = std::move(context.stages);
  packed_ = std::move(context.packed);
  if (stages_.empty()) stages_.push_back({1, kTileNs});
  c.need_shared_scratch(views_bytes(c.input_count() + c.output_count()) + context.shared_scratch);
  return {};
}

Status CustomOperator::run(OpRun& r) const {
  CustomRun run(*this, r);
  for (int32_t stage = 0; stage < int32_t(stages_.size()); ++stage) ENGINE_TRY(run.stage(stage));
  return run.finish();
}

}  // namespace engine
