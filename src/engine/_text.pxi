# Arrays of text as tensors of strings. Text is UTF-8 in the core; bytes that are none come as Python's lone surrogates and go back so.

cdef int string_tensor(cnp.ndarray array, Value* out, name) except -1:
    cdef int64_t dims[16]
    cdef int i
    cdef int64_t width, done
    for i in range(array.ndim):
        dims[i] = array.shape[i]
    check(make_string_tensor(dims, array.ndim, out))
    kind = array.dtype.kind
    if kind in "US":
        array = as_plain(array)
        width = cnp.PyArray_ITEMSIZE(array)
        if kind == "S":
            set_byte_strings(out[0], <const char*>cnp.PyArray_DATA(array), width)
            return 0
        done = set_wide_strings(out[0], <const uint32_t*>cnp.PyArray_DATA(array), width // 4)
        if done == cnp.PyArray_SIZE(array):
            return 0
    try:
        items = array.reshape(-1).tolist()
    except (SystemError, ValueError) as error:
        raise _errors.InvalidInput(f"input {name!r}: {error}") from None
    return set_text_items(items, out, name)


cdef int set_text_items(list items, Value* out, name) except -1:
    cdef int64_t k = 0
    cdef bytes raw
    for item in items:
        if isinstance(item, str):
            if PyUnicode_IS_COMPACT_ASCII(item):
                set_string(out[0], k, <const char*>PyUnicode_DATA(item), PyUnicode_GET_LENGTH(item))
                k += 1
                continue
            try:
                raw = (<str>item).encode("utf-8", "surrogateescape")
            except UnicodeEncodeError as error:
                raise _errors.InvalidInput(f"input {name!r}: element {k} has no UTF-8 form ({error.reason})") from None
        elif isinstance(item, bytes):
            raw = item
        else:
            raise _errors.InvalidInput(f"input {name!r}: an element is {type(item).__name__}; a string is wanted")
        set_string(out[0], k, PyBytes_AS_STRING(raw), PyBytes_GET_SIZE(raw))
        k += 1
    return 0
