# Element types, and the only door from a Status to an exception.

cdef int check(const Status& status) except -1:
    if status.ok():
        return 0
    raise error_of(status)


cdef dict _raised = {}              # by Python operators: number -> exception, until the error that it caused is made
cdef int64_t _raised_so_far = 0
cdef int _MOST_RAISED = 16


cdef int64_t keep_raised(object error):
    global _raised_so_far
    _raised_so_far += 1
    _raised[_raised_so_far] = error
    while len(_raised) > _MOST_RAISED:
        _raised.pop(next(iter(_raised)), None)
    return _raised_so_far


cdef object error_of(const Status& status):
    """The exception of a Status that is not ok. A mark at its end says that a user's operator failed, and by which exception."""
    name = code_name(status.code()).decode()
    text, mark, number = status.message().decode("utf-8", "replace").rpartition("\x1e")
    if not mark:
        return getattr(_errors, name)(number)
    error = getattr(_errors, "OperatorFailed" if name == "InternalError" else name)(text)
    error.__cause__ = _raised.pop(int(number), None) if number.isdigit() else None
    return error


cdef DType[32] BY_TYPENUM       # NumPy's builtin type numbers -> DType
cdef int[32] TYPENUM            # DType -> NumPy's type number; -1 not looked up yet, -2 none
cdef dict _BY_DTYPE = {}        # np.dtype -> DType for extension types
cdef list _NAMES = [dtype_name(dtype_from_onnx(i)).decode() for i in range(32)]


cdef void _fill_tables():
    cdef int i
    for i in range(32):
        BY_TYPENUM[i] = DType.Undefined
        TYPENUM[i] = -1
    for i, name in enumerate(_NAMES):
        if name in ("undefined", "string"):
            TYPENUM[i] = -2
            continue
        try:
            dtype = np.dtype(name)
        except TypeError:
            continue
        TYPENUM[i] = dtype.num
        if dtype.num < 32:
            BY_TYPENUM[<int>dtype.num] = dtype_from_onnx(i)
    for alias in (np.longlong, np.ulonglong, np.int_, np.uint, np.intc, np.uintc):
        dtype = np.dtype(alias)
        BY_TYPENUM[<int>dtype.num] = dtype_from_onnx(_NAMES.index(dtype.name))


_fill_tables()


cdef int typenum_of(DType dtype) except -3:
    """NumPy's type number; extension types come from ml_dtypes when it is installed, else their bits as unsigned integers."""
    cdef int i = <int>dtype
    if TYPENUM[i] == -1:
        try:
            import ml_dtypes
            TYPENUM[i] = np.dtype(getattr(ml_dtypes, _NAMES[i])).num
        except (ImportError, AttributeError):
            TYPENUM[i] = np.dtype(np.uint16 if dtype_size(dtype) == 2 else np.uint8).num
    return TYPENUM[i]


cdef DType dtype_of(cnp.ndarray array):
    cdef int num = cnp.PyArray_TYPE(array)
    if 0 <= num < 32:
        return BY_TYPENUM[num]
    found = _BY_DTYPE.get(array.dtype)
    if found is None:
        name = array.dtype.name
        found = _NAMES.index(name) if name in _NAMES else 0
        _BY_DTYPE[array.dtype] = found
    return dtype_from_onnx(found)


cdef bint is_text(cnp.ndarray array):
    return array.dtype.kind in "OUST"

