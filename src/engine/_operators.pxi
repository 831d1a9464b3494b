# Operators of users' own: libraries that are taken in, and Python callables, which use the same interface as libraries do.

cdef extern from *:
    """
    #if PY_VERSION_HEX >= 0x030D0000
    #define engine_is_finalizing Py_IsFinalizing
    #else
    #define engine_is_finalizing _Py_IsFinalizing
    #endif
    """
    int is_finalizing "engine_is_finalizing"() noexcept nogil

# ONNX's AttributeType.
cdef enum:
    _FLOAT = 1
    _INT = 2
    _STRING = 3
    _TENSOR = 4
    _FLOATS = 6
    _INTS = 7
    _STRINGS = 8


def _register_library(size_t entry, origin, identity):
    """entry: the address of engine_operators. Raises what check does for what is wrong with the library."""
    cdef Status status
    cdef string origin_text = origin.encode("utf-8", "surrogateescape")
    cdef string identity_text = identity.encode()
    check_thread()
    with nogil:
        status = register_library(<OperatorsFunction>entry, origin_text, identity_text)
    check(status)


def _registered():
    """(domain, name, since, until, origin) of all operators; until 0: no end."""
    cdef const AddedOperator* row
    cdef vector[const AddedOperator*] rows = added_operators()
    found = []
    for row in rows:
        origin = row.origin.decode("utf-8", "surrogateescape")
        found.append((row.domain_text.decode(), row.name_text.decode(), row.since, row.until, origin))
    return found


cdef string find_operators() noexcept with gil:
    try:
        from engine.operators import load_entry_points
        return load_entry_points().encode("utf-8", "replace")
    except Exception as error:
        return f"looking for installed operators raised {type(error).__name__}: {error}".encode("utf-8", "replace")


set_operator_finder(find_operators)


cdef class PythonOperator:
    """A callable as an operator. Never freed once it is registered."""

    cdef object function, infer, outputs
    cdef bytes domain, name

    def __init__(self, function, infer, outputs, domain, name):
        self.function = function
        self.infer = infer
        self.outputs = outputs
        self.domain = domain.encode()
        self.name = name.encode()

    def register(self, origin, since, inputs, outputs, deterministic, cbool replace):
        """inputs, outputs: (fewest, most); most -1: any number."""
        cdef EngineOperator op
        cdef Status status
        cdef string origin_text = origin.encode("utf-8", "replace")
        memset(&op, 0, sizeof(op))
        op.domain = self.domain
        op.name = self.name
        op.since = since
        op.min_inputs, op.max_inputs = inputs
        op.min_outputs, op.max_outputs = outputs
        op.flags = 0 if deterministic else ENGINE_RANDOM
        op.infer = python_infer
        op.prepare = python_prepare
        op.run = python_run
        op.destroy = python_destroy
        op.user_data = <void*>self
        check_thread()
        status = register_operator(op, origin_text, replace)
        check(status)
        Py_INCREF(self)

    cdef int tell(self, EngineContext* c) except -1:
        cdef int64_t dims[16]
        cdef int o, d
        inputs = [input_info(c, i) for i in range(engine_input_count(c))]
        told = self.outputs if self.infer is None else self.infer(*inputs, **attributes_of(c))
        if isinstance(told, (str, TensorInfo)) or not isinstance(told, (list, tuple)) or is_pair(told):
            told = (told,)
        if len(told) < engine_output_count(c):
            raise ValueError(f"{len(told)} outputs are told; the node has {engine_output_count(c)}")
        for o in range(engine_output_count(c)):
            dtype, shape = type_and_shape(told[o], inputs)
            number = _NAMES.index(dtype) if dtype in _NAMES else 0
            if shape is not None and len(shape) > 12:
                raise ValueError(f"output {o} is told {len(shape)} dimensions; at most 12 are supported")
            for d in range(0 if shape is None else len(shape)):
                dims[d] = shape[d] if isinstance(shape[d], int) else -1
            engine_set_output(c, o, number, -1 if shape is None else len(shape), dims)
        return 0

    cdef int compute(self, const EngineRun* r) except -1:
        cdef int i, o
        inputs = [array_in(r.api, &r.inputs[i]) for i in range(r.input_count)]
        answer = self.function(*inputs, **<dict>r.state)
        if not isinstance(answer, (list, tuple)):
            answer = (answer,)
        if len(answer) < r.output_count:
            raise ValueError(f"{len(answer)} outputs are returned; the node has {r.output_count}")
        for o in range(r.output_count):
            if r.outputs[o].dtype != 0:
                array_out(r, o, np.asarray(answer[o]))
        return 0


cdef bint is_pair(told):
    """Whether this is one output's (dtype, shape)."""
    return isinstance(told, tuple) and len(told) == 2 and isinstance(told[0], (str, np.dtype, type)) and \
        (told[1] is None or isinstance(told[1], (list, tuple)))


cdef object type_and_shape(told, inputs):
    """What was told of one output: a position of an input, a dtype, (dtype, shape) or a TensorInfo."""
    if isinstance(told, int):
        told = inputs[told]
    if isinstance(told, TensorInfo):
        return told.dtype, told.shape
    dtype, shape = told if isinstance(told, tuple) else (told, None)
    return dtype if isinstance(dtype, str) else np.dtype(dtype).name, shape


cdef object input_info(EngineContext* c, int i):
    cdef int rank = engine_input_rank(c, i)
    if engine_input_dtype(c, i) == 0:
        return None
    dims = [engine_input_dim(c, i, d) for d in range(max(rank, 0))]
    shape = tuple([None if d < 0 else d for d in dims])
    return TensorInfo(f"input {i}", _NAMES[engine_input_dtype(c, i)], shape if rank >= 0 else None)


cdef dict attributes_of(EngineContext* c):
    cdef const char* name
    cdef const int64_t* ints
    cdef const float* floats
    cdef int32_t kind, count = 0, k = 0
    cdef dict found = {}
    while True:
        name = c.api.attribute_name(c, k)
        if name == NULL:
            return found
        k += 1
        kind = c.api.attribute_kind(c, name)
        value = None
        if kind == _FLOAT:
            value = engine_attribute_float(c, name, 0)
        elif kind == _INT:
            value = engine_attribute_int(c, name, 0)
        elif kind == _STRING:
            value = engine_attribute_string(c, name, b"").decode("utf-8", "surrogateescape")
        elif kind == _TENSOR:
            value = array_in(c.api, engine_attribute_tensor(c, name))
        elif kind == _FLOATS:
            floats = engine_attribute_floats(c, name, &count)
            value = tuple([floats[i] for i in range(count)])
        elif kind == _INTS:
            ints = engine_attribute_ints(c, name, &count)
            value = tuple([ints[i] for i in range(count)])
        elif kind == _STRINGS:
            value = strings_of(c, name)
        else:
            raise ValueError(f"attribute {name.decode()!r} has a kind that Python operators do not take")
        found[name.decode()] = value


cdef tuple strings_of(EngineContext* c, const char* name):
    cdef const char* text
    found = []
    while True:
        text = c.api.attribute_string_at(c, name, len(found))
        if text == NULL:
            return tuple(found)
        found.append(text.decode("utf-8", "surrogateescape"))


cdef object array_in(const EngineApi* api, const EngineTensor* tensor):
    """A copy: the callable may keep it."""
    cdef cnp.npy_intp dims[16]
    cdef int d
    cdef int64_t k, size = 0
    cdef const char* text
    cdef cnp.ndarray array
    if tensor == NULL or tensor.dtype == 0:
        return None
    for d in range(tensor.rank):
        dims[d] = tensor.shape[d]
    if tensor.dtype == ENGINE_STRING:
        array = cnp.PyArray_SimpleNew(tensor.rank, dims, cnp.NPY_OBJECT)
        flat = array.reshape(-1)
        for k in range(tensor.elements):
            text = api.string_at(tensor, k, &size)
            flat[k] = text[:size].decode("utf-8", "surrogateescape")
        return flat.reshape((<object>array).shape)
    array = cnp.PyArray_SimpleNew(tensor.rank, dims, typenum_of(dtype_from_onnx(tensor.dtype)))
    if tensor.elements > 0:
        memcpy(cnp.PyArray_DATA(array), tensor.data, cnp.PyArray_NBYTES(array))
    return array


cdef int array_out(const EngineRun* r, int o, cnp.ndarray array) except -1:
    cdef EngineTensor* out = &r.outputs[o]
    cdef int64_t dims[16]
    cdef int d
    cdef bint text = out.dtype == ENGINE_STRING
    told = _NAMES[out.dtype]
    if text != is_text(array) or not (text or cnp.PyArray_TYPE(array) == typenum_of(dtype_from_onnx(out.dtype))):
        raise TypeError(f"output {o} is returned as {array.dtype}; {told} was told")
    if array.ndim > 12:
        raise ValueError(f"output {o} is returned with {array.ndim} dimensions; at most 12 are supported")
    for d in range(array.ndim):
        dims[d] = array.shape[d]
    if out.shape == NULL:
        if engine_allocate_output(r, o, array.ndim, dims) == NULL:
            raise MemoryError(f"output {o} of shape {(<object>array).shape}")
    else:
        shape = tuple([out.shape[d] for d in range(out.rank)])
        if shape != (<object>array).shape:
            raise ValueError(f"output {o} is returned with shape {(<object>array).shape}; {shape} was told")
    if text:
        return strings_out(r, out, array)
    if out.elements > 0:
        array = as_plain(array)
        memcpy(out.data, cnp.PyArray_DATA(array), cnp.PyArray_NBYTES(array))
    return 0


cdef int strings_out(const EngineRun* r, EngineTensor* out, cnp.ndarray array) except -1:
    cdef int64_t k = 0
    cdef bytes raw
    for item in array.reshape(-1).tolist():
        raw = item if isinstance(item, bytes) else str(item).encode("utf-8", "surrogateescape")
        if r.api.set_string(out, k, PyBytes_AS_STRING(raw), PyBytes_GET_SIZE(raw)) != ENGINE_OK:
            raise MemoryError
        k += 1
    return 0


cdef int32_t python_infer(EngineContext* c) noexcept nogil:
    return engine_fail(c, ENGINE_FAILED, b"the interpreter exits") if is_finalizing() else infer_with_gil(c)


cdef int32_t python_prepare(EngineContext* c, void** state) noexcept nogil:
    return engine_fail(c, ENGINE_FAILED, b"the interpreter exits") if is_finalizing() else prepare_with_gil(c, state)


cdef int32_t python_run(const EngineRun* r, int32_t stage, int64_t begin, int64_t end, int32_t worker, void* scratch) noexcept nogil:
    return engine_run_fail(r, ENGINE_FAILED, b"the interpreter exits") if is_finalizing() else run_with_gil(r)


cdef void python_destroy(void* state) noexcept nogil:
    if not is_finalizing():
        destroy_with_gil(state)


cdef int32_t infer_with_gil(EngineContext* c) noexcept with gil:
    try:
        (<PythonOperator>c.user_data).tell(c)
        return ENGINE_OK
    except BaseException as error:
        return engine_fail(c, status_of(error), kept_text(error))


cdef int32_t prepare_with_gil(EngineContext* c, void** state) noexcept with gil:
    try:
        attributes = attributes_of(c)
        engine_add_stage(c, 1, 1e6)
        Py_INCREF(attributes)
        state[0] = <void*>attributes
        return ENGINE_OK
    except BaseException as error:
        return engine_fail(c, status_of(error), kept_text(error))


cdef int32_t run_with_gil(const EngineRun* r) noexcept with gil:
    try:
        (<PythonOperator>r.user_data).compute(r)
        return ENGINE_OK
    except BaseException as error:
        return engine_run_fail(r, status_of(error), kept_text(error))


cdef void destroy_with_gil(void* state) noexcept with gil:
    Py_DECREF(<object>state)


cdef int32_t status_of(object error):
    if isinstance(error, _errors.InvalidInput):
        return ENGINE_INVALID_INPUT
    if isinstance(error, _errors.InvalidModel):
        return ENGINE_INVALID_MODEL
    if isinstance(error, _errors.UnsupportedOperator):
        return ENGINE_UNSUPPORTED
    return ENGINE_OUT_OF_MEMORY if isinstance(error, MemoryError) else ENGINE_FAILED


cdef bytes kept_text(object error):
    """The text of the error that ends the call, by which error_of finds this one as its cause."""
    text = str(error) if isinstance(error, _errors.EngineError) else f"{type(error).__name__}: {error}"
    return text.encode("utf-8", "replace")[:800] + b"\x1e%d" % keep_raised(error)
