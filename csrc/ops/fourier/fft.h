// Discrete Fourier transforms of any length in T (float or double): mixed radix, or a convolution (Bluestein) where a prime
// factor is large. Roots are computed in double and rounded once.
//
// A transform is a list of passes, each over items that are independent of each other: a caller may cut a pass where it likes
// and on as many threads as it likes, with the same bits. A pass goes from one buffer of span() numbers to the other.
#pragma once

#include <complex>
#include <cstdint>

namespace engine {

template <class T>
class Fft {
 public:
  using Complex = std::complex<T>;

  Fft() = default;
  // For tables in `memory`, table_size(n) numbers, which outlive this. They are filled by make(), or by all table passes in
  // order, before any transform. REQUIRES: 0 < n <= kMaxLength.
  Fft(int64_t n, Complex* memory);

  static constexpr int64_t kMaxLength = int64_t(1) << 40;
  static int64_t table_size(int64_t n);
  // Numbers of each of a transform's two buffers: at least n.
  static int64_t span(int64_t n) { return convolves(n) ? convolution_length(n) : n; }

  int64_t length() const { return n_; }
  // About what one transform takes.
  double ns() const;

  int passes() const { return m_ > 0 ? 2 * radix_.count + 3 : radix_.count; }
  int64_t items(int pass) const;
  double item_ns(int pass) const;
  // Whether the pass leaves its result in `to`; else it works in place in `from`, and `to` is not touched.
  bool moves(int pass) const { return stage_of(pass) >= 0; }
  void run(int pass, int64_t begin, int64_t end, Complex* from, Complex* to) const;

  int table_passes() const { return m_ > 0 ? 2 + radix_.count : 1; }
  int64_t table_items(int pass) const;
  double table_item_ns(int pass) const { return pass == 0 ? 40 : pass == 1 ? 2 : stage_ns(pass - 2); }
  void run_table(int pass, int64_t begin, int64_t end) const;
  void make() const;

  // a holds n numbers; returns whichever of a and b holds out[k] = sum of a[j] e^(-2 pi i j k / n) then. Thread-safe.
  Complex* forward(Complex* a, Complex* b) const;

 private:
  struct Radix {
    int p[64];
    int64_t before[64];   // the product of the radices before
    int count = 0;
  };
  static Radix factor(int64_t n, int64_t* largest);
  static bool convolves(int64_t n);
  static int64_t convolution_length(int64_t n);
  int64_t size() const { return m_ > 0 ? m_ : n_; }
  int stage_of(int pass) const;
  double stage_ns(int stage) const;
  void stage(int index, int64_t begin, int64_t end, const Complex* in, Complex* out) const;

  int64_t n_ = 0, m_ = 0;       // length; of the convolution, 0 when there is none
  Radix radix_;
  Complex* roots_ = nullptr;    // e^(-2 pi i k / size())
  Complex* chirp_ = nullptr;    // e^(-pi i k^2 / n)
  Complex* kernel_[2] = {};     // the conjugate chirp and then, by turns, its transform over m_, which ends in filter_
  Complex* filter_ = nullptr;
};

extern template class Fft<float>;
extern template class Fft<double>;

}  // namespace engine
