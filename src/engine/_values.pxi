# Values of the core as NumPy arrays, lists and dicts, and back.

cdef class Memory:
    """Keeps a buffer of the core alive for the array that shows it."""

    cdef RefPtr[Buffer] buffer


cdef object tensor_out(const Tensor& tensor):
    cdef cnp.npy_intp dims[16]
    cdef int i, rank = tensor.shape.rank()
    cdef int64_t k
    cdef Memory memory
    cdef cnp.ndarray array
    for i in range(rank):
        dims[i] = tensor.shape[i]
    if tensor.dtype == DType.String:
        array = cnp.PyArray_SimpleNew(rank, dims, cnp.NPY_OBJECT)
        flat = array.reshape(-1)
        for k in range(tensor.elements()):
            flat[k] = get_string(tensor, k).decode("utf-8", "surrogateescape")
        return flat.reshape((<object>array).shape)
    memory = Memory()
    memory.buffer = tensor.buffer
    num = typenum_of(tensor.dtype)
    array = cnp.PyArray_SimpleNewFromData(rank, dims, num, tensor.data)
    cnp.set_array_base(array, memory)
    return array


cdef object value_out(const Value& value):
    cdef size_t i
    if value.kind == ValueKind.Tensor:
        return tensor_out(value.tensor)
    if <int>value.kind == 0:
        return None
    if value.kind == ValueKind.Sequence:
        return [value_out(part(value, i)) for i in range(part_count(value))]
    return map_out(part(value, 0).tensor, part(value, 1).tensor)


cdef dict map_out(const Tensor& keys, const Tensor& values):
    cdef int64_t k, count = keys.elements()
    cdef dict out = {}
    if keys.dtype == DType.Int64 and values.dtype == DType.Float and values.elements() == count:
        for k in range(count):
            out[(<const int64_t*>keys.data)[k]] = <double>(<const float*>values.data)[k]
        return out
    return dict(zip(tensor_out(keys).tolist(), tensor_out(values).tolist(), strict=True))


cdef object as_plain(cnp.ndarray array):
    """The array itself, or a contiguous, aligned copy in the machine's byte order."""
    if PyArray_ISCARRAY_RO(array):
        return array
    if not cnp.PyArray_ISNOTSWAPPED(array):
        array = array.astype(array.dtype.newbyteorder("="))
    return np.ascontiguousarray(array).reshape((<object>array).shape)


cdef int owned_value(object item, Value* out, name) except -1:
    """A Value with memory of its own: for what goes into sequences, optionals and maps."""
    cdef cnp.ndarray array
    cdef int64_t dims[16]
    cdef int i
    cdef vector[Value] items
    cdef Value one
    if isinstance(item, dict):
        for part_ in (list(item.keys()), list(item.values())):
            one = Value()
            owned_value(np.asarray(part_), &one, name)
            append_item(items, one)
        out[0] = make_parts(ValueKind.Map, items)
        return 0
    if isinstance(item, (list, tuple)):
        for element in item:
            one = Value()
            owned_value(element, &one, name)
            append_item(items, one)
        out[0] = make_parts(ValueKind.Sequence, items)
        return 0
    array = np.asarray(item)
    if array.ndim > 12:
        raise _errors.InvalidInput(f"input {name!r} has {array.ndim} dimensions; at most 12 are supported")
    if is_text(array):
        return string_tensor(array, out, name)
    array = as_plain(array)
    dtype = dtype_of(array)
    if dtype == DType.Undefined:
        raise _errors.InvalidInput(f"input {name!r}: dtype {array.dtype} is not one of ONNX's")
    for i in range(array.ndim):
        dims[i] = array.shape[i]
    check(copy_tensor(dtype, array.ndim, dims, cnp.PyArray_DATA(array), out))
    return 0
