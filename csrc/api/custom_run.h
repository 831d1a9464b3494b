// One run of a node whose operator is a user's own: what its callback asks, and the tiles that it is called for.
#pragma once

#include <atomic>

#include "api/custom_operator.h"

namespace engine {

class CustomRun : public EngineRun {
 public:
  CustomRun(const CustomOperator& op, OpRun& r);
  CustomRun(const CustomRun&) = delete;
  CustomRun& operator=(const CustomRun&) = delete;

  static CustomRun& of(const EngineRun* r) { return *const_cast<CustomRun*>(static_cast<const CustomRun*>(r)); }

  // Runs all items of a stage. The calling thread.
  Status stage(int32_t index);
  // After the last stage.
  Status finish();

  // What the callback asks: see EngineApi.
  bool should_stop(int32_t worker);
  void* allocate(int32_t o, int32_t rank, const int64_t* dims);
  void fail(int32_t status, const char* format, va_list args);

 private:
  struct LongItems;
  void tile(int32_t stage, int64_t begin, int64_t end, int worker);
  void fail_with(int32_t status, const char* format, ...);
  Status run_long(int32_t stage);
  Status allocate_for(int32_t o, int32_t rank, const int64_t* dims);

  const CustomOperator& op_;
  OpRun& r_;
  int64_t items_ = 0;                 // of the stage
  std::atomic<bool> failed_{false};   // whoever sets it writes status_ and message_
  std::atomic<bool> stopped_{false};  // a tile ended early, as should_stop told it
  int32_t status_ = ENGINE_OK;
  char message_[1024];
};

}  // namespace engine
