// What this machine reaches: float32 multiply-adds from registers, and bytes read by a plain loop. Benchmarks quote kernels as a share.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/isa.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace py = pybind11;
using engine::Isa;

namespace {

constexpr int CHAINS = 10;  // above latency x ports, below the registers of every tier
constexpr int STEPS = 20000;

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

#if defined(__x86_64__)
__attribute__((target("avx512f"))) float fma_avx512() {
  __m512 sum[CHAINS];
  const __m512 factor = _mm512_set1_ps(0.999f), term = _mm512_set1_ps(1e-3f);
  for (auto& s : sum) s = term;
  for (int i = 0; i < STEPS; ++i) {
#pragma GCC unroll 16
    for (int c = 0; c < CHAINS; ++c) sum[c] = _mm512_fmadd_ps(sum[c], factor, term);
  }
  __m512 total = sum[0];
  for (int c = 1; c < CHAINS; ++c) total = _mm512_add_ps(total, sum[c]);
  return _mm512_reduce_add_ps(total);
}

__attribute__((target("avx2,fma"))) float fma_avx2() {
  __m256 sum[CHAINS];
  const __m256 factor = _mm256_set1_ps(0.999f), term = _mm256_set1_ps(1e-3f);
  for (auto& s : sum) s = term;
  for (int i = 0; i < STEPS; ++i) {
#pragma GCC unroll 16
    for (int c = 0; c < CHAINS; ++c) sum[c] = _mm256_fmadd_ps(sum[c], factor, term);
  }
  __m256 total = sum[0];
  for (int c = 1; c < CHAINS; ++c) total = _mm256_add_ps(total, sum[c]);
  return _mm_cvtss_f32(_mm256_castps256_ps128(total));
}

__attribute__((target("avx512f"))) float read_avx512(const float* data, size_t n) {
  __m512 sum[8] = {};
  for (size_t i = 0; i + 128 <= n; i += 128) {
#pragma GCC unroll 8
    for (int c = 0; c < 8; ++c) sum[c] = _mm512_add_ps(sum[c], _mm512_load_ps(data + i + 16 * c));
  }
  __m512 total = sum[0];
  for (int c = 1; c < 8; ++c) total = _mm512_add_ps(total, sum[c]);
  return _mm512_reduce_add_ps(total);
}

__attribute__((target("avx2"))) float read_avx2(const float* data, size_t n) {
  __m256 sum[8] = {};
  for (size_t i = 0; i + 64 <= n; i += 64) {
#pragma GCC unroll 8
    for (int c = 0; c < 8; ++c) sum[c] = _mm256_add_ps(sum[c], _mm256_load_ps(data + i + 8 * c));
  }
  __m256 total = sum[0];
  for (int c = 1; c < 8; ++c) total = _mm256_add_ps(total, sum[c]);
  return _mm_cvtss_f32(_mm256_castps256_ps128(total));
}
#endif

int lanes(Isa isa) { return isa >= Isa::avx512 ? 16 : isa == Isa::avx2 ? 8 : 0; }

float fma(Isa isa) {
#if defined(__x86_64__)
  return isa >= Isa::avx512 ? fma_avx512() : fma_avx2();
#else
  (void)isa;
  return 0;
#endif
}

float read(Isa isa, const float* data, size_t n) {
#if defined(__x86_64__)
  return isa >= Isa::avx512 ? read_avx512(data, n) : read_avx2(data, n);
#else
  (void)isa, (void)data, (void)n;
  return 0;
#endif
}

volatile float g_sink;

// The best of `rounds`, on `threads` threads that start together: work units of all threads a second.
template <class Work>
double best_rate(int threads, int rounds, double units, const Work& work) {
  std::vector<double> best(size_t(threads), 0.0);
  std::vector<std::thread> pool;
  for (int t = 0; t < threads; ++t) {
    pool.emplace_back([&, t] {
      for (int i = 0; i < rounds; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        g_sink = work(t);
        best[size_t(t)] = std::max(best[size_t(t)], units / seconds_since(begin));
      }
    });
  }
  for (auto& thread : pool) thread.join();
  double sum = 0;
  for (double rate : best) sum += rate;
  return sum;
}

Isa tier_of(const std::string& name) {
  const auto isa = engine::isa_from_name(name);
  if (!isa.ok() || !lanes(isa.value())) throw py::value_error("no peak is known for " + name);
  return isa.value();
}

double fma_gflops(const std::string& isa_text, int threads, int rounds) {
  const Isa isa = tier_of(isa_text);
  py::gil_scoped_release release;
  return 1e-9 * best_rate(threads, rounds, 2.0 * CHAINS * STEPS * lanes(isa), [isa](int) { return fma(isa); });
}

double read_gbps(const std::string& isa_text, size_t bytes, int threads, int passes) {
  const Isa isa = tier_of(isa_text);
  py::gil_scoped_release release;
  const size_t n = bytes / sizeof(float) / 128 * 128;
  std::vector<std::vector<float>> stores(size_t(threads), std::vector<float>(n + 16, 1.0f));
  return 1e-9 * best_rate(threads, 1, double(n * sizeof(float)) * passes, [&](int t) {
           void* begin = stores[size_t(t)].data();
           size_t room = (n + 16) * sizeof(float);
           const float* data = static_cast<const float*>(std::align(64, n * sizeof(float), begin, room));
           float sum = 0;
           for (int i = 0; i < passes; ++i) sum += read(isa, data, n);
           return sum;
         });
}

}  // namespace

void bind_peak_cost(py::module_& m) {
  m.def("fma_gflops", &fma_gflops, py::arg("isa"), py::arg("threads") = 1, py::arg("rounds") = 50,
        "Float32 multiply-adds from registers: 1e9 operations a second, the best round, threads added up.");
  m.def("read_gbps", &read_gbps, py::arg("isa"), py::arg("bytes"), py::arg("threads") = 1, py::arg("passes") = 100,
        "A plain loop of loads over `bytes` a thread, `passes` times: 1e9 bytes a second, threads added up.");
}
