// Small shapes of the interface that Cython can say: statuses out, pointers in, no templates.
#pragma once

#include <chrono>
#include <thread>

#include "api/engine.h"

namespace engine {

// load_for and publish, for callers that cannot say Result. *out: the model that was loaded. *version: in, the number that it is to
// have or 0; out, the one that it has. publish and rollback ask the service's MetricsPlace, which may end this thread when the
// interpreter is on its way out: they throw nothing, and must not be called within a catch (...).
Status load_for(Service& service, const ModelSource& source, const LoadOptions& options, const WarmUp& warm_up, bool background,
                RefPtr<Model>* out);
Status publish(Service& service, const RefPtr<Model>& model, bool allow_signature_change, int* version);
Status rollback(Service& service, int* version);
inline void sleep_ns(int64_t ns) { std::this_thread::sleep_for(std::chrono::nanoseconds(ns)); }
inline void begin_warm_up(WarmUp& warm_up) { warm_up.runs.emplace_back(); }
void add_warm_up_shape(WarmUp& warm_up, const std::string& name, const int64_t* dims, int rank);

// An Interrupt that asks a function.
class FunctionInterrupt final : public Interrupt {
 public:
  void set(bool (*function)(void*), void* arg) {
    function_ = function;
    arg_ = arg;
  }
  bool interrupted() override { return function_(arg_); }

 private:
  bool (*function_)(void*) = nullptr;
  void* arg_ = nullptr;
};

// A MetricsPlace that asks a function for the address of a block; 0: in memory of this process.
class FunctionPlace final : public MetricsPlace {
 public:
  void set(uint64_t (*function)(void*, int), void* arg) {
    function_ = function;
    arg_ = arg;
  }
  MetricsBlock* block_of(int version) override {
    uint64_t address = function_ ? function_(arg_, version) : 0;
    return address ? MetricsBlock::on(reinterpret_cast<void*>(address)) : nullptr;
  }

 private:
  uint64_t (*function_)(void*, int) = nullptr;
  void* arg_ = nullptr;
};

// Snapshots that are the caller's to delete, and their parts by number.
inline MetricsSnapshot* new_snapshot(Service& service) { return new MetricsSnapshot(service.metrics().snapshot()); }
inline MetricsSnapshot* new_snapshot_of(Service& service, int version) {
  return new MetricsSnapshot(service.metrics().snapshot_of(version));
}
inline uint64_t outcome_count(const MetricsSnapshot& s, int i) { return s.outcomes[size_t(i)]; }
inline uint64_t counter_count(const MetricsSnapshot& s, int i) { return s.counters[size_t(i)]; }
inline const Histogram& histogram(const MetricsSnapshot& s, int i) { return s.histograms[size_t(i)]; }
inline const char* outcome_name(int i) { return outcome_name(Outcome(i)); }
inline const char* counter_name(int i) { return counter_name(Counter(i)); }
inline const char* measure_name(int i) { return measure_name(Measure(i)); }
inline const char* outcome_help(int i) { return outcome_help(Outcome(i)); }
inline const char* counter_help(int i) { return counter_help(Counter(i)); }
inline const char* measure_help(int i) { return measure_help(Measure(i)); }

// *out: a tensor of `rank` dimensions of empty strings.
Status make_string_tensor(const int64_t* dims, int rank, Value* out);
void set_string(Value& tensor, int64_t i, const char* text, int64_t size);
const std::string& get_string(const Tensor& tensor, int64_t i);

// *out: a tensor with memory of its own, a copy of `data`.
Status copy_tensor(DType dtype, int rank, const int64_t* dims, const void* data, Value* out);

// A sequence or map of these parts, which are taken out of `items`, and its parts.
Value make_parts(ValueKind kind, std::vector<Value>& items);
inline void append_item(std::vector<Value>& items, const Value& item) { items.push_back(item); }
inline const Value& part(const Value& value, size_t i) { return value.parts->items[i]; }
inline size_t part_count(const Value& value) { return value.parts ? value.parts->items.size() : 0; }

}  // namespace engine
