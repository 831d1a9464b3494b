// What DFT and STFT share: transforms of lines of one length, with tables made before the run where the length is known by then.
#pragma once

#include <utility>

#include "ops/fourier/fft.h"
#include "ops/op.h"

namespace engine {

inline Status check_length(int64_t n) {
  if (n > 0 && n <= Fft<float>::kMaxLength) return {};
  return error(Code::InvalidModel, "a transform of length %lld; it must be positive", (long long)n);
}

// float64 is transformed in float64, what is narrower in float32.
inline DType transform_dtype(DType dtype) { return dtype == DType::Double ? DType::Double : DType::Float; }

// Number k of the spectrum `out` of n real numbers: exactly symmetric, bins 0 and n / 2 exactly real, as in theory.
template <class T>
std::complex<T> of_real(const std::complex<T>* out, int64_t n, int64_t k) {
  if (k == 0 || 2 * k == n) return out[k].real();
  return 2 * k < n ? out[k] : std::conj(out[n - k]);
}

// In T: float or double.
template <class T>
class Transform {
 public:
  using Complex = std::complex<T>;

  // Tables and work memory for transforms of n numbers.
  Status prepare(PrepareContext& c, int64_t n);

  // For each line in [0, lines): load(line, begin, end, in) fills numbers [begin, end) of n, transform, and
  // store(line, begin, end, out) takes numbers [begin, end) of `made`.
  template <class Load, class Store>
  Status each_line(OpRun& r, int64_t n, int64_t made, int64_t lines, Load&& load, Store&& store) const;

 private:
  static constexpr double kElementNs = 20;
  static constexpr double kLongLineNs = 50e3;

  // Made while running, when only then the length is known.
  struct Memory {
    Tensor tables, work;
  };
  Result<Fft<T>> make(OpRun& r, int64_t n, Memory& memory) const;
  template <class Load, class Store>
  static Status long_line(OpRun& r, const Fft<T>& fft, int64_t made, int64_t line, Complex* work, Load&& load, Store&& store);

  RefPtr<Buffer> tables_;
  Fft<T> fft_;
};

template <class T>
Status Transform<T>::prepare(PrepareContext& c, int64_t n) {
  ENGINE_TRY(check_length(n));
  ENGINE_ASSIGN(tables_, c.allocate(Fft<T>::table_size(n) * int64_t(sizeof(Complex))));
  fft_ = Fft<T>(n, reinterpret_cast<Complex*>(tables_->data()));
  fft_.make();
  c.need_scratch(2 * Fft<T>::span(n) * int64_t(sizeof(Complex)));
  return {};
}

template <class T>
Result<Fft<T>> Transform<T>::make(OpRun& r, int64_t n, Memory& memory) const {
  ENGINE_TRY(check_length(n));
  DType dtype = sizeof(T) == 8 ? DType::Complex128 : DType::Complex64;
  ENGINE_ASSIGN(memory.tables, r.make(dtype, {Fft<T>::table_size(n)}));
  ENGINE_ASSIGN(memory.work, r.make(dtype, {2 * Fft<T>::span(n) * r.workers()}));
  Fft<T> fft(n, memory.tables.template as<Complex>());
  for (int p = 0; p < fft.table_passes(); ++p)
    ENGINE_TRY(r.parallel(fft.table_items(p), fft.table_item_ns(p), [&](int64_t begin, int64_t end, int) { fft.run_table(p, begin, end); }));
  return fft;
}

template <class T>
template <class Load, class Store>
Status Transform<T>::each_line(OpRun& r, int64_t n, int64_t made, int64_t lines, Load&& load, Store&& store) const {
  Memory memory;
  Fft<T> fft = fft_;
  bool ready = fft.length() > 0;
  if (!ready) {
    ENGINE_ASSIGN(fft, make(r, n, memory));
  }
  int64_t span = Fft<T>::span(n);
  auto work = [&](int worker) { return ready ? r.scratch<Complex>(worker) : memory.work.template as<Complex>() + worker * 2 * span; };
  double ns = fft.ns() + kElementNs * double(n);
  if (ns < kLongLineNs)
    return r.parallel(lines, ns, [&](int64_t begin, int64_t end, int worker) {
      Complex* a = work(worker);
      for (int64_t i = begin; i < end; ++i) {
        load(i, int64_t(0), n, a);
        store(i, int64_t(0), made, fft.forward(a, a + span));
      }
    });
  for (int64_t i = 0; i < lines; ++i) ENGINE_TRY(long_line(r, fft, made, i, work(0), load, store));
  return {};
}

template <class T>
template <class Load, class Store>
Status Transform<T>::long_line(OpRun& r, const Fft<T>& fft, int64_t made, int64_t line, Complex* work, Load&& load, Store&& store) {
  Complex *from = work, *to = work + Fft<T>::span(fft.length());
  ENGINE_TRY(r.parallel(fft.length(), kElementNs, [&](int64_t begin, int64_t end, int) { load(line, begin, end, from); }));
  for (int p = 0; p < fft.passes(); ++p) {
    ENGINE_TRY(r.parallel(fft.items(p), fft.item_ns(p), [&](int64_t begin, int64_t end, int) { fft.run(p, begin, end, from, to); }));
    if (fft.moves(p)) std::swap(from, to);
  }
  return r.parallel(made, kElementNs, [&](int64_t begin, int64_t end, int) { store(line, begin, end, from); });
}

}  // namespace engine
