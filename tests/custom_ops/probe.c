/* Operators of the domain "test.probe", in C99: one for each thing that the interface can do.
 * PROBE_* define libraries that are to be refused. */
#include <ctype.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "engine/custom_op.h"

#ifndef PROBE_DOMAIN
#define PROBE_DOMAIN "test.probe"
#endif

ENGINE_EXPORT int32_t probe_packed = 0;    /* how often fill ran */
ENGINE_EXPORT int32_t probe_states = 0;    /* prepared and not destroyed */

static double seconds(void) {
  struct timespec t;
  timespec_get(&t, TIME_UTC);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void output_like_input(EngineContext *c) {
  int64_t dims[16];
  int32_t rank = engine_input_rank(c, 0);
  for (int32_t d = 0; d < rank; ++d) dims[d] = engine_input_dim(c, 0, d);
  engine_set_output(c, 0, engine_input_dtype(c, 0), rank, dims);
}

/* Scale: x * (2 * weight[column]); weights are packed doubled. */
static int32_t scale_infer(EngineContext *c) {
  if (engine_input_rank(c, 0) >= 0 && engine_input_rank(c, 0) != 2)
    return c->api->fail(c, ENGINE_INVALID_MODEL, "x has %d dimensions; 2 are wanted", (int)engine_input_rank(c, 0));
  output_like_input(c);
  engine_allow_in_place(c, 0, 0);
  return ENGINE_OK;
}

static void scale_fill(void *arg, void *memory) {
  const EngineTensor *w = (const EngineTensor *)arg;
  ++probe_packed;
  for (int64_t i = 0; i < w->elements; ++i) ((float *)memory)[i] = 2 * ((const float *)w->data)[i];
}

static int32_t scale_prepare(EngineContext *c, void **state) {
  const EngineTensor *w = engine_input_value(c, 1);
  if (!w) return engine_fail(c, ENGINE_UNSUPPORTED, "the weights are no constant");
  *state = (void *)engine_pack(c, 1, "doubled", w->elements * (int64_t)sizeof(float), scale_fill, (void *)w);
  if (!*state) return ENGINE_OUT_OF_MEMORY;
  engine_add_stage(c, engine_input_dim(c, 0, 0), 1.0 * (double)w->elements);
  ++probe_states;
  return ENGINE_OK;
}

static void scale_destroy(void *state) {
  (void)state;
  --probe_states;
}

static int32_t scale_run(const EngineRun *r, int32_t stage, int64_t begin, int64_t end, int32_t worker, void *scratch) {
  const float *x = (const float *)r->inputs[0].data, *w = (const float *)r->state;
  float *y = (float *)r->outputs[0].data;
  int64_t n = r->inputs[0].shape[1];
  (void)stage, (void)worker, (void)scratch;
  for (int64_t i = begin; i < end; ++i)
    for (int64_t k = 0; k < n; ++k) y[i * n + k] = x[i * n + k] * w[k];
  return ENGINE_OK;
}

/* Spin: `items` items of `milliseconds` each, which ask whether to stop; polite 0: they do not. told_ns: the cost that is told. */
static int32_t spin_infer(EngineContext *c) {
  int64_t dims[1];
  dims[0] = engine_attribute_int(c, "items", 1);
  engine_set_output(c, 0, ENGINE_FLOAT32, 1, dims);
  return ENGINE_OK;
}

typedef struct Spin {
  double seconds;
  int32_t polite;
} Spin;
static Spin spins[64];
static int32_t spin_count = 0;

static int32_t spin_prepare(EngineContext *c, void **state) {
  Spin *s = &spins[spin_count++ % 64];
  s->seconds = 1e-3 * engine_attribute_float(c, "milliseconds", 1);
  s->polite = (int32_t)engine_attribute_int(c, "polite", 1);
  engine_add_stage(c, engine_attribute_int(c, "items", 1), engine_attribute_float(c, "told_ns", 1e6f));
  *state = s;
  return ENGINE_OK;
}

static int32_t spin_run(const EngineRun *r, int32_t stage, int64_t begin, int64_t end, int32_t worker, void *scratch) {
  const Spin *s = (const Spin *)r->state;
  (void)stage, (void)scratch;
  for (int64_t i = begin; i < end; ++i) {
    double until = seconds() + s->seconds;
    while (seconds() < until)
      if (s->polite && engine_should_stop(r, worker)) return ENGINE_STOPPED;
    ((float *)r->outputs[0].data)[i] = (float)i;
  }
  return ENGINE_OK;
}

/* Fail: item `at` fails with `status`; mute 1: without a text. */
static int32_t fail_prepare(EngineContext *c, void **state) {
  int64_t at = engine_attribute_int(c, "at", 0), status = engine_attribute_int(c, "status", ENGINE_FAILED);
  *state = (void *)(intptr_t)(at * 100 + status * 10 + engine_attribute_int(c, "mute", 0));
  engine_add_stage(c, engine_attribute_int(c, "items", 1), 5e4);
  return ENGINE_OK;
}

static int32_t fail_run(const EngineRun *r, int32_t stage, int64_t begin, int64_t end, int32_t worker, void *scratch) {
  intptr_t told = (intptr_t)r->state;
  (void)stage, (void)worker, (void)scratch;
  if (told / 100 < begin || told / 100 >= end) return ENGINE_OK;
  if (told % 10) return (int32_t)(told / 10 % 10);
  return r->api->run_fail(r, (int32_t)(told / 10 % 10), "item %d is no good", (int)(told / 100));
}

/* Positive: the elements above 0, whose number run tells. */
static int32_t positive_infer(EngineContext *c) {
  int64_t open = -1;
  engine_set_output(c, 0, ENGINE_FLOAT32, 1, &open);
  return ENGINE_OK;
}

static int32_t positive_run(const EngineRun *r, int32_t stage, int64_t begin, int64_t end, int32_t worker, void *scratch) {
  const float *x = (const float *)r->inputs[0].data;
  int64_t count = 0;
  float *y;
  (void)stage, (void)begin, (void)end, (void)worker, (void)scratch;
  for (int64_t i = 0; i < r->inputs[0].elements; ++i) count += x[i] > 0;
  y = (float *)engine_allocate_output(r, 0, 1, &count);
  if (!y) return ENGINE_OUT_OF_MEMORY;
  for (int64_t i = 0; i < r->inputs[0].elements; ++i)
    if (x[i] > 0) *y++ = x[i];
  return ENGINE_OK;
}

/* Total: two stages; sums of blocks of 1000 elements in shared memory, then their sum. */
static int32_t total_infer(EngineContext *c) {
  engine_set_output(c, 0, ENGINE_FLOAT32, 0, NULL);
  return ENGINE_OK;
}

static int32_t total_prepare(EngineContext *c, void **state) {
  int64_t blocks = (engine_input_dim(c, 0, 0) + 999) / 1000;
  (void)state;
  engine_need_shared_scratch(c, blocks * (int64_t)sizeof(float));
  engine_need_scratch(c, 64);
  engine_add_stage(c, blocks, 1000);
  engine_add_stage(c, 1, (double)blocks);
  return ENGINE_OK;
}

static int32_t total_run(const EngineRun *r, int32_t stage, int64_t begin, int64_t end, int32_t worker, void *scratch) {
  const float *x = (const float *)r->inputs[0].data;
  float *sums = (float *)r->shared_scratch, *own = (float *)scratch;
  int64_t n = r->inputs[0].elements;
  if (((uintptr_t)sums | (uintptr_t)own) % 64) return engine_run_fail(r, ENGINE_FAILED, "scratch memory is not aligned");
  if (worker >= r->workers) return engine_run_fail(r, ENGINE_FAILED, "a worker too many");
  if (stage == 1) {
    float all = 0;
    for (int64_t b = 0; b < (n + 999) / 1000; ++b) all += sums[b];
    *(float *)r->outputs[0].data = all;
    return ENGINE_OK;
  }
  for (int64_t b = begin; b < end; ++b) {
    *own = 0;
    for (int64_t i = b * 1000; i < n && i < (b + 1) * 1000; ++i) *own += x[i];
    sums[b] = *own;
  }
  return ENGINE_OK;
}

/* Upper: strings in, strings out; an optional second input is put behind each. */
static int32_t upper_infer(EngineContext *c) {
  output_like_input(c);
  return ENGINE_OK;
}

static int32_t upper_run(const EngineRun *r, int32_t stage, int64_t begin, int64_t end, int32_t worker, void *scratch) {
  char text[256];
  (void)stage, (void)begin, (void)end, (void)worker, (void)scratch;
  for (int64_t i = 0; i < r->inputs[0].elements; ++i) {
    int64_t size = 0, more = 0;
    const char *s = r->api->string_at(&r->inputs[0], i, &size);
    for (int64_t k = 0; k < size; ++k) text[k] = (char)toupper((unsigned char)s[k]);
    if (r->input_count > 1 && r->inputs[1].dtype) {
      s = r->api->string_at(&r->inputs[1], 0, &more);
      memcpy(text + size, s, (size_t)more);
    }
    if (r->api->set_string(&r->outputs[0], i, text, size + more) != ENGINE_OK) return ENGINE_OUT_OF_MEMORY;
  }
  return ENGINE_OK;
}

/* Attributes: a vector with all of them; infer reads the elements of an input too. */
static int32_t attributes_infer(EngineContext *c) {
  const EngineTensor *count = engine_input_value(c, 0);
  int64_t dim = count ? *(const int64_t *)count->data : -1;
  engine_set_output(c, 0, ENGINE_FLOAT32, 1, &dim);
  return ENGINE_OK;
}

static int32_t attributes_prepare(EngineContext *c, void **state) {
  static float told[8];
  int32_t n = 0, m = 0;
  const int64_t *ints = engine_attribute_ints(c, "ints", &n);
  const float *floats = engine_attribute_floats(c, "floats", &m);
  const EngineTensor *tensor = engine_attribute_tensor(c, "tensor");
  told[0] = (float)engine_attribute_int(c, "int", -1);
  told[1] = engine_attribute_float(c, "float", -1);
  told[2] = (float)strlen(engine_attribute_string(c, "string", ""));
  told[3] = n ? (float)ints[n - 1] : -1;
  told[4] = m ? floats[m - 1] : -1;
  told[5] = tensor ? ((const float *)tensor->data)[tensor->elements - 1] : -1;
  told[6] = (float)c->api->attribute_kind(c, "absent");
  told[7] = (float)engine_opset(c);
  *state = told;
  return ENGINE_OK;
}

static int32_t attributes_run(const EngineRun *r, int32_t stage, int64_t begin, int64_t end, int32_t worker, void *scratch) {
  (void)stage, (void)begin, (void)end, (void)worker, (void)scratch;
  for (int64_t i = 0; i < r->outputs[0].elements; ++i) ((float *)r->outputs[0].data)[i] = i < 8 ? ((const float *)r->state)[i] : 0;
  return ENGINE_OK;
}

static const EngineDTypes floats[] = {ENGINE_DTYPE_BIT(ENGINE_FLOAT32), ENGINE_DTYPE_BIT(ENGINE_FLOAT32)};
static const EngineDTypes strings[] = {ENGINE_DTYPE_BIT(ENGINE_STRING), ENGINE_DTYPE_BIT(ENGINE_STRING)};
static const EngineDTypes indices[] = {ENGINE_DTYPE_BIT(ENGINE_INT64)};

#ifndef PROBE_RUN
#define PROBE_RUN scale_run
#endif
#ifndef PROBE_SINCE
#define PROBE_SINCE 1
#endif

static const EngineOperator operators[] = {
    {PROBE_DOMAIN, "Scale", PROBE_SINCE, 0, 2, 2, 1, 1, 0, 0, floats, scale_infer, scale_prepare, PROBE_RUN, scale_destroy, NULL},
    {PROBE_DOMAIN, "Spin", 1, 0, 0, 0, 1, 1, ENGINE_RANDOM, 0, NULL, spin_infer, spin_prepare, spin_run, NULL, NULL},
    {PROBE_DOMAIN, "Fail", 1, 0, 0, 1, 1, 1, ENGINE_RANDOM, 0, NULL, spin_infer, fail_prepare, fail_run, NULL, NULL},
    {PROBE_DOMAIN, "Positive", 1, 0, 1, 1, 1, 1, 0, 0, floats, positive_infer, NULL, positive_run, NULL, NULL},
    {PROBE_DOMAIN, "Total", 1, 0, 1, 1, 1, 1, 0, 0, floats, total_infer, total_prepare, total_run, NULL, NULL},
    {PROBE_DOMAIN, "Upper", 1, 0, 1, 2, 1, 1, 0, 0, strings, upper_infer, NULL, upper_run, NULL, NULL},
    {PROBE_DOMAIN, "Attributes", 1, 2, 1, 1, 1, 1, 0, 0, indices, attributes_infer, attributes_prepare, attributes_run, NULL, NULL},
};

#ifndef PROBE_SIZES
#define PROBE_SIZES ENGINE_LIBRARY_SIZES
#endif
#ifndef PROBE_COUNT
#define PROBE_COUNT (int32_t)(sizeof(operators) / sizeof(operators[0]))
#endif

static const EngineLibrary library = {PROBE_SIZES, "probe", "1", operators, PROBE_COUNT, 0};

#ifndef PROBE_ENTRY
#define PROBE_ENTRY engine_operators
#endif
#ifndef PROBE_ANSWER
#define PROBE_ANSWER &library
#endif

ENGINE_EXPORT const EngineLibrary *PROBE_ENTRY(void);
const EngineLibrary *PROBE_ENTRY(void) {
  const EngineLibrary *answer = PROBE_ANSWER;
  (void)library;
  return answer;
}
