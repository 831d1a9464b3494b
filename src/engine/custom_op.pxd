"""For operators written in Cython: `from engine.custom_op cimport *`. engine/custom_op.h says what each of these means."""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

cdef extern from "engine/custom_op.h" nogil:
    const uint32_t ENGINE_ABI_VERSION

    cdef enum EngineDType:
        ENGINE_UNDEFINED
        ENGINE_FLOAT32
        ENGINE_UINT8
        ENGINE_INT8
        ENGINE_UINT16
        ENGINE_INT16
        ENGINE_INT32
        ENGINE_INT64
        ENGINE_STRING
        ENGINE_BOOL
        ENGINE_FLOAT16
        ENGINE_FLOAT64
        ENGINE_UINT32
        ENGINE_UINT64
        ENGINE_COMPLEX64
        ENGINE_COMPLEX128
        ENGINE_BFLOAT16

    ctypedef uint64_t EngineDTypes
    EngineDTypes ENGINE_DTYPE_BIT(int dtype)

    cdef enum EngineStatus:
        ENGINE_OK
        ENGINE_INVALID_MODEL
        ENGINE_UNSUPPORTED
        ENGINE_INVALID_INPUT
        ENGINE_OUT_OF_MEMORY
        ENGINE_FAILED
        ENGINE_STOPPED

    cdef enum EngineOperatorFlags:
        ENGINE_RANDOM
        ENGINE_NO_FOLD

    ctypedef struct EngineTensor:
        void *data
        const int64_t *shape
        int64_t elements
        int32_t rank
        int32_t dtype

    ctypedef void (*EngineFill)(void *arg, void *memory) noexcept nogil

    ctypedef struct EngineContext
    ctypedef struct EngineRun

    ctypedef struct EngineApi:
        uint32_t abi_version
        uint32_t struct_size
        const char *(*attribute_name)(EngineContext *c, int32_t index) noexcept nogil
        int32_t (*attribute_kind)(EngineContext *c, const char *name) noexcept nogil
        const char *(*attribute_string_at)(EngineContext *c, const char *name, int32_t index) noexcept nogil
        int32_t (*threads)(EngineContext *c) noexcept nogil
        const char *(*string_at)(const EngineTensor *tensor, int64_t index, int64_t *size) noexcept nogil
        int32_t (*set_string)(EngineTensor *tensor, int64_t index, const char *text, int64_t size) noexcept nogil

    ctypedef struct EngineContext:
        const EngineApi *api
        void *user_data

    ctypedef struct EngineRun:
        const EngineApi *api
        void *user_data
        void *state
        const EngineTensor *inputs
        EngineTensor *outputs
        void *shared_scratch
        int32_t input_count
        int32_t output_count
        int32_t workers

    ctypedef struct EngineOperator:
        const char *domain
        const char *name
        int32_t since
        int32_t until
        int32_t min_inputs
        int32_t max_inputs
        int32_t min_outputs
        int32_t max_outputs
        uint32_t flags
        uint32_t reserved
        const EngineDTypes *input_dtypes
        int32_t (*infer)(EngineContext *c) noexcept nogil
        int32_t (*prepare)(EngineContext *c, void **state) noexcept nogil
        int32_t (*run)(const EngineRun *r, int32_t stage, int64_t begin, int64_t end, int32_t worker, void *scratch) noexcept nogil
        void (*destroy)(void *state) noexcept nogil
        void *user_data

    ctypedef struct EngineLibrary:
        uint32_t abi_version
        uint32_t struct_size
        uint32_t operator_size
        uint32_t api_size
        const char *name
        const char *version
        const EngineOperator *operators
        int32_t operator_count
        int32_t reserved

    int32_t engine_input_count(EngineContext *c)
    int32_t engine_output_count(EngineContext *c)
    int32_t engine_opset(EngineContext *c)
    int32_t engine_input_dtype(EngineContext *c, int32_t input)
    int32_t engine_input_rank(EngineContext *c, int32_t input)
    int64_t engine_input_dim(EngineContext *c, int32_t input, int32_t axis)
    const EngineTensor *engine_input_value(EngineContext *c, int32_t input)
    int32_t engine_has_output(EngineContext *c, int32_t output)
    int64_t engine_attribute_int(EngineContext *c, const char *name, int64_t fallback)
    float engine_attribute_float(EngineContext *c, const char *name, float fallback)
    const char *engine_attribute_string(EngineContext *c, const char *name, const char *fallback)
    const int64_t *engine_attribute_ints(EngineContext *c, const char *name, int32_t *count)
    const float *engine_attribute_floats(EngineContext *c, const char *name, int32_t *count)
    const EngineTensor *engine_attribute_tensor(EngineContext *c, const char *name)
    void engine_set_output(EngineContext *c, int32_t output, int32_t dtype, int32_t rank, const int64_t *dims)
    void engine_allow_in_place(EngineContext *c, int32_t output, int32_t input)
    int32_t engine_fail(EngineContext *c, int32_t status, const char *message)
    int32_t engine_output_rank(EngineContext *c, int32_t output)
    int64_t engine_output_dim(EngineContext *c, int32_t output, int32_t axis)
    const void *engine_pack(EngineContext *c, int32_t input, const char *kind, int64_t bytes, EngineFill fill, void *arg)
    void engine_add_stage(EngineContext *c, int64_t items, double ns_per_item)
    void engine_need_scratch(EngineContext *c, int64_t bytes)
    void engine_need_shared_scratch(EngineContext *c, int64_t bytes)
    int32_t engine_should_stop(const EngineRun *r, int32_t worker)
    void *engine_allocate_output(const EngineRun *r, int32_t output, int32_t rank, const int64_t *dims)
    int32_t engine_run_fail(const EngineRun *r, int32_t status, const char *message)
