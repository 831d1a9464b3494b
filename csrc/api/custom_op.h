/* Operators of one's own: what a library of operators and the engine know of each other. C99 and C++; nothing to link against.
 *
 * A library exports one function, engine_operators(), which returns a table of its operators. Everything that an operator asks
 * of the engine goes through the functions that its callbacks are handed (EngineApi), for which there are short forms below.
 * docs/custom-operators.md is the guide.
 *
 * The life of an operator, for each node of a model:
 *   infer     tells the outputs' element types, and their shapes as far as the inputs' are known; checks attributes. Any number of
 *             times, with more known each time.
 *   prepare   (optional) once for each combination of input shapes: packs constants, states the work in stages of items, asks for
 *             scratch memory, makes a state that run reads.
 *   run       computes items [begin, end) of a stage. By many threads and calls at once.
 *   destroy   (optional) frees what prepare left in *state.
 *
 * Rules:
 *   - Callbacks return ENGINE_OK or what fail / run_fail returned. No exception, longjmp or Python error leaves them.
 *   - What an item computes depends neither on the tile that it is in nor on the worker: same bits for any number of threads.
 *   - The engine looks at the deadline between tiles, which it cuts by ns_per_item to about 100 microseconds. An item that may take
 *     longer asks engine_should_stop every 50 microseconds or so and returns ENGINE_STOPPED when that says so.
 *   - Callbacks allocate nothing in run: memory comes from need_scratch, need_shared_scratch and prepare's state.
 *   - Tensors are row-major and contiguous. Elements below 8 bits take a byte each.
 */
#ifndef ENGINE_CUSTOM_OP_H
#define ENGINE_CUSTOM_OP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Grows when something that is here changes its meaning or place; such libraries are refused. What is added at the end of a struct
 * does not change it: the sizes in EngineLibrary tell with which version of this file a library was built. */
#define ENGINE_ABI_VERSION 1u

#if defined(_WIN32)
#define ENGINE_EXPORT __declspec(dllexport)
#elif defined(__GNUC__)
#define ENGINE_EXPORT __attribute__((visibility("default")))
#else
#define ENGINE_EXPORT
#endif

/* Element types: ONNX's numbers. */
enum EngineDType {
  ENGINE_UNDEFINED = 0,
  ENGINE_FLOAT32 = 1,
  ENGINE_UINT8 = 2,
  ENGINE_INT8 = 3,
  ENGINE_UINT16 = 4,
  ENGINE_INT16 = 5,
  ENGINE_INT32 = 6,
  ENGINE_INT64 = 7,
  ENGINE_STRING = 8, /* see string_at and set_string */
  ENGINE_BOOL = 9,
  ENGINE_FLOAT16 = 10,
  ENGINE_FLOAT64 = 11,
  ENGINE_UINT32 = 12,
  ENGINE_UINT64 = 13,
  ENGINE_COMPLEX64 = 14,
  ENGINE_COMPLEX128 = 15,
  ENGINE_BFLOAT16 = 16
};

/* A set of element types. */
typedef uint64_t EngineDTypes;
#define ENGINE_DTYPE_BIT(dtype) ((EngineDTypes)1 << (dtype))

/* What callbacks return, and the error that the caller of the model sees. */
enum EngineStatus {
  ENGINE_OK = 0,
  ENGINE_INVALID_MODEL = 1, /* attributes or inputs break the operator's rules: InvalidModel at load, InvalidInput in a call */
  ENGINE_UNSUPPORTED = 2,   /* UnsupportedOperator */
  ENGINE_INVALID_INPUT = 3, /* the data of this call: InvalidInput */
  ENGINE_OUT_OF_MEMORY = 4, /* MemoryLimitExceeded */
  ENGINE_FAILED = 5,        /* anything else: OperatorFailed */
  ENGINE_STOPPED = 6        /* run only: engine_should_stop said so */
};

/* EngineOperator.flags. */
enum EngineOperatorFlags {
  ENGINE_RANDOM = 1,  /* answers differ from run to run: never folded or merged; such models want load(allow_random=True) */
  ENGINE_NO_FOLD = 2  /* not computed at load although all inputs are constants: its result is large for what it stands for */
};

typedef struct EngineApi EngineApi;

/* A tensor. Owned by the engine; valid as long as the callback that got it runs. dtype 0: an input or output that is left out. */
typedef struct EngineTensor {
  void *data;           /* an input's must not be written to; null for an output whose shape run tells (allocate_output) */
  const int64_t *shape; /* `rank` dimensions */
  int64_t elements;
  int32_t rank;
  int32_t dtype;
} EngineTensor;

/* What infer and prepare are handed. */
typedef struct EngineContext {
  const EngineApi *api;
  void *user_data; /* the operator's */
} EngineContext;

/* What run is handed: one run of one node. The same for all workers. */
typedef struct EngineRun {
  const EngineApi *api;
  void *user_data;            /* the operator's */
  void *state;                /* what prepare left; shared by all calls: read only */
  const EngineTensor *inputs; /* input_count of them */
  EngineTensor *outputs;      /* output_count of them; write to their data only */
  void *shared_scratch;       /* need_shared_scratch bytes, aligned to 64, of this run */
  int32_t input_count;
  int32_t output_count;
  int32_t workers;            /* worker indices are below */
} EngineRun;

typedef void (*EngineFill)(void *arg, void *memory);

/* The engine's functions. Positions past the end are inputs or outputs that are left out. */
struct EngineApi {
  uint32_t abi_version;
  uint32_t struct_size;

  /* infer and prepare */
  int32_t (*input_count)(EngineContext *c);
  int32_t (*output_count)(EngineContext *c);
  int32_t (*opset)(EngineContext *c);                             /* the model's version of the operator's domain */
  int32_t (*input_dtype)(EngineContext *c, int32_t input);        /* 0: left out */
  int32_t (*input_rank)(EngineContext *c, int32_t input);         /* -1: not known yet. In prepare all is known. */
  int64_t (*input_dim)(EngineContext *c, int32_t input, int32_t axis); /* -1: not known yet. REQUIRES: 0 <= axis < input_rank */
  /* The elements of an input where they are known beforehand, else null. What infer tells may depend on them: it is called again
   * when they change. */
  const EngineTensor *(*input_value)(EngineContext *c, int32_t input);
  int32_t (*has_output)(EngineContext *c, int32_t output);

  /* Attributes: fallback is what an absent one means. Text ends with a 0. Valid as long as the callback runs. */
  const char *(*attribute_name)(EngineContext *c, int32_t index); /* null past the last */
  int32_t (*attribute_kind)(EngineContext *c, const char *name);  /* ONNX's AttributeType: 1 float, 2 int, 3 string, 4 tensor, 6 floats, 7 ints, 8 strings; 0: absent */
  int64_t (*attribute_int)(EngineContext *c, const char *name, int64_t fallback);
  float (*attribute_float)(EngineContext *c, const char *name, float fallback);
  const char *(*attribute_string)(EngineContext *c, const char *name, const char *fallback);
  const int64_t *(*attribute_ints)(EngineContext *c, const char *name, int32_t *count); /* null and 0 when absent */
  const float *(*attribute_floats)(EngineContext *c, const char *name, int32_t *count);
  const char *(*attribute_string_at)(EngineContext *c, const char *name, int32_t index); /* null past the last */
  const EngineTensor *(*attribute_tensor)(EngineContext *c, const char *name);          /* null when absent */

  /* infer: output has this type; rank -1: shape not known yet; dimension -1: not known yet. Where the shapes of all inputs
   * and the elements that input_value was asked for are known and an output's shape is not told, run tells it (allocate_output). */
  void (*set_output)(EngineContext *c, int32_t output, int32_t dtype, int32_t rank, const int64_t *dims);
  /* infer: the output may be computed in the input's memory: run reads an element before it writes the one in its place. */
  void (*allow_in_place)(EngineContext *c, int32_t output, int32_t input);
  /* Returns `status`. printf's format; the node's name is put before it. The first call counts. */
  int32_t (*fail)(EngineContext *c, int32_t status, const char *format, ...);

  /* prepare */
  int32_t (*output_rank)(EngineContext *c, int32_t output); /* -1: run tells the shape */
  int64_t (*output_dim)(EngineContext *c, int32_t output, int32_t axis);
  int32_t (*threads)(EngineContext *c); /* that a call may use at most */
  /* A packed form of a constant input: `bytes` bytes, aligned to 64, which fill(arg, memory) writes once for each model, whatever
   * the number of plans, calls and threads. Holds no addresses: other processes may map it. `kind` tells all that it depends on
   * besides the input (layout, parameters) in words. Null, after which prepare returns ENGINE_OUT_OF_MEMORY, when there is no
   * memory. REQUIRES: input_value(input) is not null. The memory is the engine's, counted in the model's memory limit, and stays
   * as long as the plan. */
  const void *(*pack)(EngineContext *c, int32_t input, const char *kind, int64_t bytes, EngineFill fill, void *arg);
  /* One more stage of the work: `items` that may be computed in any order and at once, each of which takes about ns_per_item
   * nanoseconds on one thread. Stages run one after the other. Without any there is one stage of one item. */
  void (*add_stage)(EngineContext *c, int64_t items, double ns_per_item);
  void (*need_scratch)(EngineContext *c, int64_t bytes); /* for each worker: run's `scratch`, aligned to 64 */
  void (*need_shared_scratch)(EngineContext *c, int64_t bytes);

  /* Strings, UTF-8: element `index` of a tensor of strings. set_string: ENGINE_OK or ENGINE_OUT_OF_MEMORY. */
  const char *(*string_at)(const EngineTensor *tensor, int64_t index, int64_t *size);
  int32_t (*set_string)(EngineTensor *tensor, int64_t index, const char *text, int64_t size);

  /* run */
  int32_t (*should_stop)(const EngineRun *r, int32_t worker); /* 1: the deadline passed or the call was cancelled */
  /* Memory for an output whose shape infer did not tell; null, after which run returns ENGINE_OUT_OF_MEMORY, when there is none.
   * REQUIRES: in a stage of one item, once for each output. */
  void *(*allocate_output)(const EngineRun *r, int32_t output, int32_t rank, const int64_t *dims);
  int32_t (*run_fail)(const EngineRun *r, int32_t status, const char *format, ...); /* as fail; any worker */
};

typedef struct EngineOperator {
  const char *domain; /* of one's own, "com.example.audio" */
  const char *name;
  int32_t since, until; /* versions of the domain; until 0: all later ones */
  int32_t min_inputs, max_inputs;   /* max -1: any number */
  int32_t min_outputs, max_outputs;
  uint32_t flags;
  uint32_t reserved; /* 0 */
  /* The element types that each input may have: max_inputs sets, one for max_inputs -1, which holds for all; null: any. */
  const EngineDTypes *input_dtypes;
  int32_t (*infer)(EngineContext *c);
  int32_t (*prepare)(EngineContext *c, void **state); /* may be null */
  int32_t (*run)(const EngineRun *r, int32_t stage, int64_t begin, int64_t end, int32_t worker, void *scratch);
  void (*destroy)(void *state); /* may be null; called for every prepare that set *state */
  void *user_data;
} EngineOperator;

typedef struct EngineLibrary {
  uint32_t abi_version, struct_size, operator_size, api_size; /* ENGINE_LIBRARY_SIZES */
  const char *name, *version;                                 /* for messages */
  const EngineOperator *operators;
  int32_t operator_count;
  int32_t reserved; /* 0 */
} EngineLibrary;

/* The first four members of an EngineLibrary. */
#define ENGINE_LIBRARY_SIZES \
  ENGINE_ABI_VERSION, (uint32_t)sizeof(EngineLibrary), (uint32_t)sizeof(EngineOperator), (uint32_t)sizeof(EngineApi)

/* What the library defines. What it returns stays as it is for as long as the process lives. May be called several times. */
ENGINE_EXPORT const EngineLibrary *engine_operators(void);

/* Short forms. */
static inline int32_t engine_input_count(EngineContext *c) { return c->api->input_count(c); }
static inline int32_t engine_output_count(EngineContext *c) { return c->api->output_count(c); }
static inline int32_t engine_opset(EngineContext *c) { return c->api->opset(c); }
static inline int32_t engine_input_dtype(EngineContext *c, int32_t input) { return c->api->input_dtype(c, input); }
static inline int32_t engine_input_rank(EngineContext *c, int32_t input) { return c->api->input_rank(c, input); }
static inline int64_t engine_input_dim(EngineContext *c, int32_t input, int32_t axis) { return c->api->input_dim(c, input, axis); }
static inline const EngineTensor *engine_input_value(EngineContext *c, int32_t input) { return c->api->input_value(c, input); }
static inline int32_t engine_has_output(EngineContext *c, int32_t output) { return c->api->has_output(c, output); }
static inline int64_t engine_attribute_int(EngineContext *c, const char *name, int64_t fallback) {
  return c->api->attribute_int(c, name, fallback);
}
static inline float engine_attribute_float(EngineContext *c, const char *name, float fallback) {
  return c->api->attribute_float(c, name, fallback);
}
static inline const char *engine_attribute_string(EngineContext *c, const char *name, const char *fallback) {
  return c->api->attribute_string(c, name, fallback);
}
static inline const int64_t *engine_attribute_ints(EngineContext *c, const char *name, int32_t *count) {
  return c->api->attribute_ints(c, name, count);
}
static inline const float *engine_attribute_floats(EngineContext *c, const char *name, int32_t *count) {
  return c->api->attribute_floats(c, name, count);
}
static inline const EngineTensor *engine_attribute_tensor(EngineContext *c, const char *name) { return c->api->attribute_tensor(c, name); }
static inline void engine_set_output(EngineContext *c, int32_t output, int32_t dtype, int32_t rank, const int64_t *dims) {
  c->api->set_output(c, output, dtype, rank, dims);
}
static inline void engine_allow_in_place(EngineContext *c, int32_t output, int32_t input) { c->api->allow_in_place(c, output, input); }
static inline int32_t engine_fail(EngineContext *c, int32_t status, const char *message) { return c->api->fail(c, status, "%s", message); }
static inline int32_t engine_output_rank(EngineContext *c, int32_t output) { return c->api->output_rank(c, output); }
static inline int64_t engine_output_dim(EngineContext *c, int32_t output, int32_t axis) { return c->api->output_dim(c, output, axis); }
static inline const void *engine_pack(EngineContext *c, int32_t input, const char *kind, int64_t bytes, EngineFill fill, void *arg) {
  return c->api->pack(c, input, kind, bytes, fill, arg);
}
static inline void engine_add_stage(EngineContext *c, int64_t items, double ns_per_item) { c->api->add_stage(c, items, ns_per_item); }
static inline void engine_need_scratch(EngineContext *c, int64_t bytes) { c->api->need_scratch(c, bytes); }
static inline void engine_need_shared_scratch(EngineContext *c, int64_t bytes) { c->api->need_shared_scratch(c, bytes); }
static inline int32_t engine_should_stop(const EngineRun *r, int32_t worker) { return r->api->should_stop(r, worker); }
static inline void *engine_allocate_output(const EngineRun *r, int32_t output, int32_t rank, const int64_t *dims) {
  return r->api->allocate_output(r, output, rank, dims);
}
static inline int32_t engine_run_fail(const EngineRun *r, int32_t status, const char *message) {
  return r->api->run_fail(r, status, "%s", message);
}

#ifdef __cplusplus
}
#endif

#endif
