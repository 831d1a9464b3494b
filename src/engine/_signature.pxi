# A model's inputs and outputs: how they are described, and how arrays are checked against them.

class TensorInfo:
    """What is known of an input or output.

    name: str.
    dtype: the element type's name ("float32", "int64", "string", ...); "seq(...)", "map(...)" or "optional(...)" for what is no tensor.
    shape: tuple of int, str (a symbol of the file) or None (open), or None when even the rank is open.
    """

    __slots__ = ("name", "dtype", "shape")

    def __init__(self, name, dtype, shape):
        self.name = name
        self.dtype = dtype
        self.shape = shape

    def __repr__(self):
        return f"TensorInfo(name={self.name!r}, dtype={self.dtype!r}, shape={self.shape!r})"

    def __eq__(self, other):
        if not isinstance(other, TensorInfo):
            return NotImplemented
        return (self.name, self.dtype, self.shape) == (other.name, other.dtype, other.shape)

    def __hash__(self):
        return hash((self.name, self.dtype, self.shape))


cdef object describe(const Port& port):
    cdef int i
    name = port.name.decode()
    if port.type.kind != TypeKind.Tensor:
        return TensorInfo(name, port.type.text().decode(), None)
    dtype = dtype_name(port.type.dtype).decode()
    if not port.type.has_rank:
        return TensorInfo(name, dtype, None)
    shape = []
    for i in range(port.type.shape.rank()):
        if port.type.shape[i] >= 0:
            shape.append(port.type.shape[i])
        elif i < <int>port.dim_names.size() and not port.dim_names[i].empty():
            shape.append(port.dim_names[i].decode())
        else:
            shape.append(None)
    return TensorInfo(name, dtype, tuple(shape))


cdef struct InputPort:
    TypeKind kind
    DType dtype
    int rank            # -1: open


@cython.final
cdef class Signature:
    """The inputs and outputs that versions of one model share."""

    cdef int number
    cdef int n_in, n_out
    cdef vector[InputPort] ports
    cdef vector[vector[int64_t]] dims
    cdef tuple inputs, outputs, input_names, output_names
    cdef dict index

    @staticmethod
    cdef Signature make(CModel* model, int number):
        cdef int i, d
        cdef InputPort port
        cdef vector[int64_t] dims
        cdef Signature s = Signature.__new__(Signature)
        s.number = number
        s.n_in = <int>model.inputs().size()
        s.n_out = <int>model.outputs().size()
        s.inputs = tuple([describe(model.inputs()[i]) for i in range(s.n_in)])
        s.outputs = tuple([describe(model.outputs()[i]) for i in range(s.n_out)])
        s.input_names = tuple([info.name for info in s.inputs])
        s.output_names = tuple([info.name for info in s.outputs])
        s.index = {name: i for i, name in enumerate(s.input_names)}
        for i in range(s.n_in):
            port.kind = model.inputs()[i].type.kind
            port.dtype = model.inputs()[i].type.dtype
            port.rank = model.inputs()[i].type.shape.rank() if model.inputs()[i].type.has_rank else -1
            dims.clear()
            for d in range(port.rank if port.rank > 0 else 0):
                dims.push_back(model.inputs()[i].type.shape[d])
            s.ports.push_back(port)
            s.dims.push_back(dims)
        return s

    cdef int put(self, Call* call, int i, object item, list keep) except -1:
        cdef cnp.ndarray array
        cdef InputPort port = self.ports[i]
        cdef Value value
        if port.kind != TypeKind.Tensor:
            return self.put_other(call, i, item)
        if isinstance(item, np.ndarray):
            array = <cnp.ndarray>item
        else:
            array = self.coerce(i, item)
            keep.append(array)
        if port.dtype == DType.String:
            if not is_text(array):
                self.wrong_dtype(i, array)
            value = Value()
            self.check_shape(i, array)
            string_tensor(array, &value, self.input_names[i])
            call.set_value(i, value)
            return 0
        if dtype_of(array) != port.dtype:
            self.wrong_dtype(i, array)
        if not PyArray_ISCARRAY_RO(array):
            array = as_plain(array)
            keep.append(array)
        self.check_shape(i, array)
        call.set_tensor(i, port.dtype, cnp.PyArray_NDIM(array), <const int64_t*>cnp.PyArray_DIMS(array), cnp.PyArray_DATA(array))
        return 0

    cdef int put_other(self, Call* call, int i, object item) except -1:
        cdef Value value
        name = self.input_names[i]
        if item is not None:
            if self.ports[i].kind == TypeKind.Sequence and not isinstance(item, (list, tuple)):
                raise _errors.InvalidInput(f"input {name!r} is {type(item).__name__}; {self.inputs[i].dtype} wants a list")
            owned_value(item, &value, name)
        call.set_value(i, value)
        return 0

    cdef cnp.ndarray coerce(self, int i, object item):
        """Python scalars, lists and buffers: NumPy's reading of them, in the wanted type where that loses nothing."""
        wanted = self.inputs[i].dtype
        if item is None:
            raise _errors.InvalidInput(f"input {self.input_names[i]!r} is None; {wanted} is wanted")
        array = np.asarray(item)
        if wanted == "string" or isinstance(item, np.generic) or hasattr(item, "dtype"):
            return array
        try:
            dtype = np.dtype(wanted)
            exact = array.astype(dtype)
        except (TypeError, ValueError):
            return array
        if isinstance(item, (bytes, bytearray, memoryview)) or (dtype.kind in "iub" and array.dtype.kind not in "iub"):
            return array
        return exact

    cdef int wrong_dtype(self, int i, cnp.ndarray array) except -1:
        raise _errors.InvalidInput(f"input {self.input_names[i]!r} has dtype {array.dtype}; the model wants {self.inputs[i].dtype}")

    cdef int check_shape(self, int i, cnp.ndarray array) except -1:
        cdef int rank = self.ports[i].rank, d
        cdef int64_t want
        if rank < 0:
            if cnp.PyArray_NDIM(array) <= 12:
                return 0
        elif cnp.PyArray_NDIM(array) == rank:
            for d in range(rank):
                want = self.dims[i][d]
                if want >= 0 and want != cnp.PyArray_DIMS(array)[d]:
                    break
            else:
                return 0
        shape = (<object>array).shape
        raise _errors.InvalidInput(
            f"input {self.input_names[i]!r} has shape {shape}; the model wants {'at most 12 dimensions' if rank < 0 else self.inputs[i].shape}"
        )

    cdef int put_all(self, Call* call, object feeds, list keep) except -1:
        cdef int i
        cdef PyObject* item
        if not isinstance(feeds, dict):
            raise _errors.InvalidInput(f"run wants a dict from input name to array, not {type(feeds).__name__}")
        for i in range(self.n_in):
            item = PyDict_GetItem(feeds, self.input_names[i])
            if item != NULL:
                self.put(call, i, <object>item, keep)
            elif self.ports[i].kind != TypeKind.Optional:
                self.wrong_names(feeds)
        if len(feeds) != self.n_in:
            self.wrong_names(feeds)
        return 0

    cdef int wrong_names(self, object feeds) except -1:
        unknown = [repr(k) for k in feeds if k not in self.index]
        optional = {info.name for info in self.inputs if info.dtype.startswith("optional")}
        missing = [repr(k) for k in self.input_names if k not in feeds and k not in optional]
        if not unknown and not missing:
            return 0
        parts = []
        if missing:
            parts.append("missing: " + ", ".join(missing))
        if unknown:
            parts.append("unknown: " + ", ".join(unknown))
        raise _errors.InvalidInput(f"inputs {'; '.join(parts)}. The model's inputs are {', '.join(map(repr, self.input_names))}")

    cdef int check_outputs(self, object outputs) except -1:
        if isinstance(outputs, str):
            raise _errors.InvalidInput("outputs is a list of names, not one name")
        for name in outputs:
            if name not in self.output_names:
                raise _errors.InvalidInput(f"output {name!r} is unknown. The model's outputs are {', '.join(map(repr, self.output_names))}")
        return 0

    cdef dict answer(self, list results, object outputs):
        cdef int k
        cdef dict answer = {}
        if outputs is not None:
            return {name: results[self.output_names.index(name)] for name in outputs}
        for k in range(self.n_out):
            answer[<object>self.output_names[k]] = results[k]
        return answer
