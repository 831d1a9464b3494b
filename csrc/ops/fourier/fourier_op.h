// What DFT and STFT share: transforms of lines of one length, with tables made before the run where the length is known by then.
#pragma once

#include "ops/fourier/fft.h"
#include "ops/op.h"

namespace engine {

class Transform {
 public:
  // Tables and work memory for transforms of n numbers.
  Status prepare(PrepareContext& c, int64_t n);
  bool ready() const { return fft_.length() > 0; }

  // Numbers that each worker has: n in, n out, then the transform's work.
  static int64_t worker_size(int64_t n) { return 2 * n + Fft::work_size(n); }

  // For each line in [0, lines): load(line, in), which fills n numbers, transform, store(line, out).
  template <class Load, class Store>
  Status each_line(OpRun& r, int64_t n, int64_t lines, Load&& load, Store&& store) const;

 private:
  RefPtr<Buffer> tables_;
  Fft fft_;
};

inline Status check_length(int64_t n) {
  if (n > 0 && n <= Fft::kMaxLength) return {};
  return error(Code::InvalidModel, "a transform of length %lld; it must be positive", (long long)n);
}

inline Status Transform::prepare(PrepareContext& c, int64_t n) {
  ENGINE_TRY(check_length(n));
  ENGINE_ASSIGN(tables_, c.allocate(Fft::table_size(n) * int64_t(sizeof(Complex))));
  fft_ = Fft(n, reinterpret_cast<Complex*>(tables_->data()));
  c.need_scratch(worker_size(n) * int64_t(sizeof(Complex)));
  return {};
}

template <class Load, class Store>
Status Transform::each_line(OpRun& r, int64_t n, int64_t lines, Load&& load, Store&& store) const {
  Tensor tables, work;
  Fft fft = fft_;
  if (!ready()) {
    ENGINE_TRY(check_length(n));
    ENGINE_ASSIGN(tables, r.make(DType::Complex128, {Fft::table_size(n)}));
    ENGINE_ASSIGN(work, r.make(DType::Complex128, {worker_size(n) * r.workers()}));
    fft = Fft(n, tables.as<Complex>());
  }
  auto memory = [&](int worker) { return ready() ? r.scratch<Complex>(worker) : work.as<Complex>() + worker * worker_size(n); };
  auto line = [&](int64_t i, Complex* in, const Checkpoint* check) -> Status {
    load(i, in);
    ENGINE_TRY(fft.forward(in, in + n, in + 2 * n, check));
    store(i, static_cast<const Complex*>(in + n));
    return {};
  };
  if (fft.ns() < 3e5)
    return r.parallel(lines, fft.ns() + 20 * double(n), [&](int64_t begin, int64_t end, int worker) {
      for (int64_t i = begin; i < end; ++i) (void)line(i, memory(worker), nullptr).ok();
    });
  Checkpoint check{[](void* run) { return static_cast<OpRun*>(run)->checkpoint(); }, &r};
  for (int64_t i = 0; i < lines; ++i) ENGINE_TRY(line(i, memory(0), &check));
  return {};
}

}  // namespace engine
