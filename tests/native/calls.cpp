#include "calls.h"

#include <algorithm>
#include <limits>
#include <new>

namespace tiny {

Code load(Service& service, const std::string& bytes, bool background, LoadOptions options) {
  ModelSource source;
  source.data = bytes.data();
  source.size = bytes.size();
  options.threads = 2;
  Result<RefPtr<Model>> loaded = load_for(service, source, options, WarmUp(), background);
  if (!loaded.ok()) return std::move(loaded).status().code();
  Result<int> number = service.publish(loaded.take(), false);
  return number.ok() ? Code::Ok : std::move(number).status().code();
}

Feeds Feeds::ones(int rows, int n) {
  Feeds feeds;
  feeds.dims_ = {rows, n};
  feeds.x_.assign(size_t(rows) * size_t(n), 1.0f);
  feeds.y_ = feeds.x_;
  return feeds;
}

Feeds Feeds::counting(int64_t rounds) {
  Feeds feeds;
  feeds.rounds_ = rounds;
  feeds.dims_ = {4};
  feeds.x_.assign(4, 0.0f);
  feeds.y_ = feeds.x_;
  return feeds;
}

void Feeds::put(Call& call) {
  int i = 0;
  if (rounds_ >= 0) call.set_tensor(i++, DType::Int64, 0, nullptr, &rounds_);
  call.set_tensor(i, DType::Float, int(dims_.size()), dims_.data(), x_.data());
}

float Feeds::answer(Call& call) {
  const Tensor& y = call.output(0).tensor;
  const float* data = static_cast<const float*>(y.data);
  auto [least, most] = std::minmax_element(data, data + y.shape.elements());
  return *least == *most ? *least : std::numeric_limits<float>::quiet_NaN();
}

Code Feeds::run(Service& service, const CallOptions& given, double timeout) try {
  Call call(service);
  Status status;
  try {
    CallOptions options = given;
    if (timeout >= 0) options.deadline_ns = call.deadline(timeout);
    status = call.open();
    if (!status.ok()) return status.code();
    put(call);
    if (!call.enter_at_once(options)) {
      status = call.wait_and_run(options);
    } else {
      if (call.fixed(0)) call.bind_output(0, y_.data());
      status = call.run();
    }
  } catch (const std::bad_alloc&) {
    call.refuse(Outcome::memory);
    return Code::MemoryLimitExceeded;
  }
  if (status.ok()) answered_ = answer(call);
  return status.code();
} catch (const std::bad_alloc&) {
  return Code::MemoryLimitExceeded;
}

bool adds_up(Service& service) {
  MetricsSnapshot seen = service.metrics().snapshot();
  uint64_t ended = 0;
  for (uint64_t count : seen.outcomes) ended += count;
  return seen.in_flight == 0 && seen.started == ended && service.admission().running() == 0 && service.admission().queued() == 0;
}

}  // namespace tiny
