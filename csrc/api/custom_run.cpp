#include "api/custom_run.h"

#include <chrono>
#include <cstdio>
#include <new>
#include <thread>

#include "api/custom_context.h"
#include "sched/clock.h"

namespace engine {
namespace {

constexpr auto kWatch = std::chrono::microseconds(50);

int32_t run_fail(const EngineRun* r, int32_t status, const char* format, ...) {
  va_list args;
  va_start(args, format);
  if (status != ENGINE_OK && status != ENGINE_STOPPED) CustomRun::of(r).fail(status, format, args);
  va_end(args);
  return status;
}

}  // namespace

CustomRun::CustomRun(const CustomOperator& op, OpRun& r)
    : EngineRun{&custom_api(), op.callbacks().user_data, op.state(), nullptr, nullptr, nullptr, r.input_count(), r.output_count(), r.workers()},
      op_(op),
      r_(r) {
  auto* views = r.shared_scratch<EngineTensor>();
  for (int i = 0; i < input_count; ++i) new (views + i) EngineTensor(custom_view(r.has(i) ? &r.in(i) : nullptr));
  inputs = views;
  outputs = views + input_count;
  for (int o = 0; o < output_count; ++o) {
    EngineTensor view{};
    if (r.wants(o) && op.output_type(o).static_shape()) view = custom_view(&r.out(o));
    else if (r.wants(o)) view.dtype = int32_t(op.output_type(o).dtype);
    new (outputs + o) EngineTensor(view);
  }
  shared_scratch = r.shared_scratch() + CustomOperator::views_bytes(input_count + output_count);
}

void CustomRun::fail(int32_t status, const char* format, va_list args) {
  if (failed_.exchange(true)) return;
  status_ = status;
  if (std::vsnprintf(message_, sizeof(message_), format, args) < 0) message_[0] = 0;
}

void CustomRun::fail_with(int32_t status, const char* format, ...) {
  va_list args;
  va_start(args, format);
  fail(status, format, args);
  va_end(args);
}

void CustomRun::tile(int32_t stage, int64_t begin, int64_t end, int worker) {
  if (failed_.load(std::memory_order_relaxed)) return;
  try {
    int32_t returned = op_.callbacks().run(this, stage, begin, end, worker, r_.scratch(worker));
    if (returned == ENGINE_STOPPED) stopped_.store(true, std::memory_order_relaxed);
    else if (returned != ENGINE_OK) fail_with(returned, "run returned %d and told no reason", int(returned));
  } catch (const std::bad_alloc&) {
    fail_with(ENGINE_OUT_OF_MEMORY, "out of memory");
  } ENGINE_CATCH_THREAD_END catch (...) {
    fail_with(ENGINE_FAILED, "run threw an exception, which callbacks must not");
  }
}

// Items of which each may take longer than a tile: the caller, when it finds none left, watches the clock and the tokens for those
// that helpers are still at.
struct CustomRun::LongItems {
  CustomRun& run;
  int32_t stage;
  std::atomic<int64_t> next{0}, done{0};

  void work(int worker) {
    RunControl& control = run.r_.context().control();
    for (int64_t i; (worker == 0 ? control.check() : control.go()) && (i = next.fetch_add(1, std::memory_order_relaxed)) < run.items_;) {
      run.tile(stage, i, i + 1, worker);
      done.fetch_add(1, std::memory_order_relaxed);
    }
    if (worker != 0) return;
    while (done.load(std::memory_order_relaxed) < run.items_ && control.check()) std::this_thread::sleep_for(kWatch);
  }
};

Status CustomRun::run_long(int32_t stage) {
  LongItems all{*this, stage};
  int helpers = int(std::min<int64_t>(r_.workers() - 1, items_ - 1));
  ThreadPool::instance().run(helpers, [](void* arg, int worker) { static_cast<LongItems*>(arg)->work(worker); }, &all);
  return r_.context().control().status();
}

Status CustomRun::stage(int32_t index) {
  const CustomOperator::Stage& s = op_.stages()[size_t(index)];
  items_ = s.items;
  bool watched = s.ns_per_item > kTileNs && s.items > 1 && r_.workers() > 1;
  Status status = watched ? run_long(index)
                          : r_.parallel(s.items, s.ns_per_item, [&](int64_t begin, int64_t end, int worker) { tile(index, begin, end, worker); });
  ENGINE_TRY(std::move(status));
  if (failed_.load(std::memory_order_relaxed)) return custom_error(status_, message_);
  if (!stopped_.load(std::memory_order_relaxed)) return {};
  ENGINE_TRY(r_.checkpoint());
  return custom_error(ENGINE_FAILED, "run returned ENGINE_STOPPED although nothing asked it to stop");
}

Status CustomRun::finish() {
  for (int o = 0; o < output_count; ++o)
    if (r_.wants(o) && !outputs[o].shape) return custom_error(ENGINE_FAILED, format("run gave output %d no shape", o));
  return {};
}

bool CustomRun::should_stop(int32_t worker) {
  RunControl& control = r_.context().control();
  if (failed_.load(std::memory_order_relaxed)) return true;
  if (worker == 0) return !control.check();
  return !control.go() || now_ns() >= control.deadline_ns();
}

Status CustomRun::allocate_for(int32_t o, int32_t rank, const int64_t* dims) {
  if (items_ != 1 || o < 0 || !r_.wants(o) || outputs[o].shape)
    return custom_error(ENGINE_FAILED, format("allocate_output is for a stage of one item, once for an output whose shape infer did not tell; not for output %d here", o));
  const TypeInfo& told = op_.output_type(o);
  ENGINE_ASSIGN(Shape shape, Shape::from(dims, rank));
  bool fits = shape.known() && (!told.has_rank || told.shape.rank() == rank);
  for (int d = 0; fits && told.has_rank && d < rank; ++d) fits = told.shape[d] < 0 || told.shape[d] == shape[d];
  if (!fits) return custom_error(ENGINE_FAILED, format("output %d gets shape %s, but infer told %s", o, shape.text().c_str(), told.text().c_str()));
  ENGINE_TRY(r_.allocate(o, told.dtype, shape));
  outputs[o] = custom_view(&r_.out(o));
  return {};
}

void* CustomRun::allocate(int32_t o, int32_t rank, const int64_t* dims) {
  try {
    Status status = allocate_for(o, rank, dims);
    if (status.ok()) return outputs[o].elements ? outputs[o].data : this;
    int32_t code = status.code() == Code::MemoryLimitExceeded ? ENGINE_OUT_OF_MEMORY : ENGINE_FAILED;
    if (r_.context().control().go()) fail_with(code, "%s", status.message().c_str());
    else stopped_.store(true, std::memory_order_relaxed);
  } catch (const std::bad_alloc&) {
    fail_with(ENGINE_OUT_OF_MEMORY, "out of memory");
  }
  return nullptr;
}

void fill_run_functions(EngineApi& api) {
  api.should_stop = [](const EngineRun* r, int32_t worker) { return int32_t(CustomRun::of(r).should_stop(worker)); };
  api.allocate_output = [](const EngineRun* r, int32_t o, int32_t rank, const int64_t* dims) { return CustomRun::of(r).allocate(o, rank, dims); };
  api.run_fail = run_fail;
  api.string_at = [](const EngineTensor* tensor, int64_t index, int64_t* size) {
    const std::string& text = static_cast<const std::string*>(tensor->data)[index];
    *size = int64_t(text.size());
    return text.c_str();
  };
  api.set_string = [](EngineTensor* tensor, int64_t index, const char* text, int64_t size) {
    try {
      static_cast<std::string*>(tensor->data)[index].assign(text, size_t(size));
      return int32_t(ENGINE_OK);
    } catch (const std::bad_alloc&) {
      return int32_t(ENGINE_OUT_OF_MEMORY);
    }
  };
}

}  // namespace engine
