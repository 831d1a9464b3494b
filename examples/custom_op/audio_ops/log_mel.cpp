// LogMel: samples [batch, n] and a filterbank [mels, size / 2 + 1] to log-mel features [batch, frames, mels].
//
// Attributes: hop (samples between frames), floor (the least power, before the logarithm). Frames have `size` samples, a power
// of two that the filterbank tells, under a Hann window; there are 1 + (n - size) / hop of them, none when n < size.
// One item is one frame. The window, the tables of the transform and the filters without their zeros are packed once a model.
#include <cmath>
#include <cstring>
#include <new>

#include "engine/custom_op.h"
#include "fft.h"

namespace {

constexpr double kPi = 3.14159265358979323846;

struct Sizes {
  int64_t batch, samples, size, mels, hop, frames;
};

// The packed constants: window, table, filters, and for each filter where it begins, its weights and how many they are.
struct Layout {
  explicit Layout(int64_t size, int64_t mels)
      : table(size), filters(table + audio::fft_table_floats(size)), firsts(filters + mels * (size / 2 + 1)), counts(firsts + mels), floats(counts + mels) {}
  int64_t table, filters, firsts, counts, floats;
};

struct Plan {
  Sizes sizes;
  float floor;
  const float* packed;
};

struct Fill {
  Sizes sizes;
  const float* filterbank;
};

int64_t dim(EngineContext* c, int32_t input, int32_t axis) {
  return engine_input_rank(c, input) < 0 ? -1 : engine_input_dim(c, input, axis);
}

int32_t read_sizes(EngineContext* c, Sizes* s) {
  const int32_t rank = engine_input_rank(c, 0), bank = engine_input_rank(c, 1);
  if ((rank >= 0 && rank != 2) || (bank >= 0 && bank != 2))
    return c->api->fail(c, ENGINE_INVALID_MODEL, "samples and filterbank have %d and %d dimensions; both have 2", int(rank), int(bank));
  const int64_t bins = dim(c, 1, 1);
  *s = Sizes{dim(c, 0, 0), dim(c, 0, 1), bins < 0 ? -1 : 2 * (bins - 1), dim(c, 1, 0), engine_attribute_int(c, "hop", 160), -1};
  if (s->hop < 1) return c->api->fail(c, ENGINE_INVALID_MODEL, "hop is %lld; at least 1 is wanted", (long long)s->hop);
  if (bins >= 0 && (s->size < 2 || (s->size & (s->size - 1))))
    return c->api->fail(c, ENGINE_INVALID_MODEL, "the filterbank has %lld bins; a power of two and one more is wanted", (long long)bins);
  if (s->samples >= 0 && s->size >= 0) s->frames = s->samples < s->size ? 0 : 1 + (s->samples - s->size) / s->hop;
  return ENGINE_OK;
}

int32_t infer(EngineContext* c) {
  Sizes s;
  const int32_t status = read_sizes(c, &s);
  if (status != ENGINE_OK) return status;
  const int64_t dims[] = {s.batch, s.frames, s.mels};
  engine_set_output(c, 0, ENGINE_FLOAT32, 3, dims);
  return ENGINE_OK;
}

void fill(void* arg, void* memory) {
  const Fill& f = *static_cast<const Fill*>(arg);
  const int64_t size = f.sizes.size, bins = size / 2 + 1;
  const Layout at(size, f.sizes.mels);
  float* out = static_cast<float*>(memory);
  for (int64_t i = 0; i < size; ++i) out[i] = float(0.5 - 0.5 * std::cos(2 * kPi * double(i) / double(size)));
  audio::fill_fft_table(size, out + at.table);
  for (int64_t m = 0; m < f.sizes.mels; ++m) {
    const float* row = f.filterbank + m * bins;
    int64_t first = 0, end = bins;
    while (first < end && row[first] == 0) ++first;
    while (end > first && row[end - 1] == 0) --end;
    std::memcpy(out + at.filters + m * bins, row + first, size_t(end - first) * sizeof(float));
    out[at.firsts + m] = float(first);
    out[at.counts + m] = float(end - first);
  }
}

int32_t prepare(EngineContext* c, void** state) {
  Sizes s;
  const int32_t status = read_sizes(c, &s);
  if (status != ENGINE_OK) return status;
  const EngineTensor* filterbank = engine_input_value(c, 1);
  if (!filterbank) return engine_fail(c, ENGINE_UNSUPPORTED, "the filterbank is no constant");
  Fill f{s, static_cast<const float*>(filterbank->data)};
  const int64_t bytes = Layout(s.size, s.mels).floats * int64_t(sizeof(float));
  const void* packed = engine_pack(c, 1, "window, transform, filters", bytes, fill, &f);
  if (!packed) return ENGINE_OUT_OF_MEMORY;
  engine_need_scratch(c, (4 * s.size + 1) * int64_t(sizeof(float)));
  engine_add_stage(c, s.batch * s.frames, double(s.size) * (3 + 1.2 * std::log2(double(s.size))) + 20 * double(s.mels));
  Plan* plan = new (std::nothrow) Plan{s, engine_attribute_float(c, "floor", 1e-10f), static_cast<const float*>(packed)};
  *state = plan;
  return plan ? ENGINE_OK : ENGINE_OUT_OF_MEMORY;
}

void frame(const Plan& plan, const float* samples, float* scratch, float* y) {
  const Sizes& s = plan.sizes;
  const Layout at(s.size, s.mels);
  float *windowed = scratch, *work = windowed + s.size, *power = work + 2 * s.size;
  for (int64_t i = 0; i < s.size; ++i) windowed[i] = samples[i] * plan.packed[i];
  audio::power_spectrum(s.size, plan.packed + at.table, windowed, work, power);
  for (int64_t m = 0; m < s.mels; ++m) {
    const float* weights = plan.packed + at.filters + m * (s.size / 2 + 1);
    const int64_t first = int64_t(plan.packed[at.firsts + m]), count = int64_t(plan.packed[at.counts + m]);
    float sum = 0;
    for (int64_t k = 0; k < count; ++k) sum += weights[k] * power[first + k];
    y[m] = std::log(sum < plan.floor ? plan.floor : sum);
  }
}

int32_t run(const EngineRun* r, int32_t, int64_t begin, int64_t end, int32_t, void* scratch) {
  const Plan& plan = *static_cast<const Plan*>(r->state);
  const float* x = static_cast<const float*>(r->inputs[0].data);
  float* y = static_cast<float*>(r->outputs[0].data);
  for (int64_t i = begin; i < end; ++i) {
    const int64_t row = i / plan.sizes.frames, t = i % plan.sizes.frames;
    frame(plan, x + row * plan.sizes.samples + t * plan.sizes.hop, static_cast<float*>(scratch), y + i * plan.sizes.mels);
  }
  return ENGINE_OK;
}

void destroy(void* state) { delete static_cast<Plan*>(state); }

const EngineDTypes kDTypes[] = {ENGINE_DTYPE_BIT(ENGINE_FLOAT32), ENGINE_DTYPE_BIT(ENGINE_FLOAT32)};
const EngineOperator kOperators[] = {{"example.audio", "LogMel", 1, 0, 2, 2, 1, 1, 0, 0, kDTypes, infer, prepare, run, destroy, nullptr}};
const EngineLibrary kLibrary = {ENGINE_LIBRARY_SIZES, "audio_ops", "1.0.0", kOperators, 1, 0};

}  // namespace

const EngineLibrary* engine_operators(void) { return &kLibrary; }
