# cython: boundscheck=False, wraparound=False, cdivision=True
"""HashNGrams: strings [n] to counts [n, buckets] of their hashed n-grams of bytes.

Attributes: buckets; least and most, the lengths of the n-grams. The hash is FNV-1a of 32 bits.
"""

from libc.stdint cimport int32_t, int64_t, uint32_t
from libc.string cimport memset

from engine.custom_op cimport *

cdef enum:
    ASK_EVERY = 16384   # n-grams


cdef int32_t infer(EngineContext* c) noexcept nogil:
    cdef int64_t dims[2]
    cdef int64_t buckets = engine_attribute_int(c, b"buckets", 1024)
    cdef int64_t least = engine_attribute_int(c, b"least", 1), most = engine_attribute_int(c, b"most", 3)
    if engine_input_rank(c, 0) >= 0 and engine_input_rank(c, 0) != 1:
        return engine_fail(c, ENGINE_INVALID_MODEL, b"the strings are no vector")
    if buckets < 1 or least < 1 or most < least or most > 64:
        return engine_fail(c, ENGINE_INVALID_MODEL, b"buckets is at least 1, and 1 <= least <= most <= 64")
    dims[0] = -1 if engine_input_rank(c, 0) < 0 else engine_input_dim(c, 0, 0)
    dims[1] = buckets
    engine_set_output(c, 0, ENGINE_FLOAT32, 2, dims)
    return ENGINE_OK


cdef int32_t prepare(EngineContext* c, void** state) noexcept nogil:
    # What run needs fits into the pointer itself; how long the strings are is not known yet: a guess, and run asks now and then.
    state[0] = <void*><size_t>(engine_attribute_int(c, b"least", 1) * 100 + engine_attribute_int(c, b"most", 3))
    engine_add_stage(c, engine_input_dim(c, 0, 0), 2000 + 0.05 * engine_output_dim(c, 0, 1))
    return ENGINE_OK


cdef bint count(const EngineRun* r, int32_t worker, const unsigned char* text, int64_t size, int64_t least, int64_t most,
                float* counts, int64_t buckets) noexcept nogil:
    """False when it was told to stop."""
    cdef int64_t start, length
    cdef uint32_t hashed
    for start in range(size):
        if start % ASK_EVERY == ASK_EVERY - 1 and engine_should_stop(r, worker):
            return False
        hashed = 2166136261u
        for length in range(1, min(most, size - start) + 1):
            hashed = (hashed ^ text[start + length - 1]) * <uint32_t>16777619
            if length >= least:
                counts[hashed % buckets] += 1
    return True


cdef int32_t run(const EngineRun* r, int32_t stage, int64_t begin, int64_t end, int32_t worker, void* scratch) noexcept nogil:
    cdef int64_t least = <int64_t><size_t>r.state // 100, most = <int64_t><size_t>r.state % 100
    cdef int64_t i, size = 0, buckets = r.outputs[0].shape[1]
    cdef const char* text
    cdef float* counts
    for i in range(begin, end):
        text = r.api.string_at(&r.inputs[0], i, &size)
        counts = <float*>r.outputs[0].data + i * buckets
        memset(counts, 0, buckets * sizeof(float))
        if not count(r, worker, <const unsigned char*>text, size, least, most, counts, buckets):
            return ENGINE_STOPPED
    return ENGINE_OK


cdef EngineDTypes strings = 1 << 8
cdef EngineOperator operators[1]
cdef EngineLibrary library


cdef public const EngineLibrary* engine_operators() noexcept nogil:
    global strings
    strings = ENGINE_DTYPE_BIT(ENGINE_STRING)
    memset(operators, 0, sizeof(operators))
    operators[0].domain = b"example.audio"
    operators[0].name = b"HashNGrams"
    operators[0].since = 1
    operators[0].min_inputs = operators[0].max_inputs = 1
    operators[0].min_outputs = operators[0].max_outputs = 1
    operators[0].input_dtypes = &strings
    operators[0].infer = infer
    operators[0].prepare = prepare
    operators[0].run = run
    memset(&library, 0, sizeof(library))
    library.abi_version = ENGINE_ABI_VERSION
    library.struct_size = sizeof(EngineLibrary)
    library.operator_size = sizeof(EngineOperator)
    library.api_size = sizeof(EngineApi)
    library.name = b"audio_ops"
    library.version = b"1.0.0"
    library.operators = operators
    library.operator_count = 1
    return &library
