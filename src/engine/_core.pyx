# distutils: language = c++
# cython: language_level=3, boundscheck=False, wraparound=False, embedsignature=True
"""The binding of the core: what each call passes through."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItem
from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy
from libcpp cimport bool as cbool
from libcpp.memory cimport make_shared, shared_ptr
from libcpp.pair cimport pair
from libcpp.string cimport string
from libcpp.utility cimport move
from libcpp.vector cimport vector
cimport cython
cimport numpy as cnp

import numpy as np

from engine import errors as _errors

cnp.import_array()


cdef extern from "numpy/arrayobject.h" nogil:
    int PyArray_ISCARRAY_RO(cnp.ndarray)

cdef extern from "base/status.h" namespace "engine" nogil:
    cdef enum class Code(unsigned char):
        Ok
    const char* code_name(Code)
    cdef cppclass Status:
        Status()
        cbool ok()
        Code code()
        const string& message()

cdef extern from "tensor/dtype.h" namespace "engine" nogil:
    cdef enum class DType(unsigned char):
        Undefined
        Float
        String
    const char* dtype_name(DType)
    int64_t dtype_size(DType)
    DType dtype_from_onnx(int64_t)

cdef extern from "base/memory.h" namespace "engine" nogil:
    cdef cppclass RefCounted:
        pass
    cdef cppclass Buffer(RefCounted):
        char* data()
        int64_t size()
    cdef cppclass MemoryAccount:
        int64_t used()
        int64_t peak()
        int64_t limit()

cdef extern from "base/ref_ptr.h" namespace "engine" nogil:
    cdef cppclass RefPtr[T]:
        RefPtr()
        RefPtr(T*)
        T* get()

cdef extern from "tensor/tensor.h" namespace "engine" nogil:
    cdef cppclass Shape:
        int rank()
        int64_t operator[](int)
        void push_back(int64_t)
        int64_t elements()
    cdef cppclass Tensor:
        DType dtype
        Shape shape
        void* data
        RefPtr[Buffer] buffer
        int64_t elements()

cdef extern from "tensor/value.h" namespace "engine" nogil:
    cdef enum class ValueKind(unsigned char):
        Tensor
        Sequence
        Map
    cdef cppclass ValueParts:
        pass
    cdef cppclass Value:
        Value()
        ValueKind kind
        Tensor tensor
        shared_ptr[const ValueParts] parts

cdef extern from "graph/type_info.h" namespace "engine" nogil:
    cdef enum class TypeKind(unsigned char):
        Unknown
        Tensor
        Sequence
        Optional
        Map
    cdef cppclass TypeInfo:
        TypeInfo()
        TypeKind kind
        DType dtype
        cbool has_rank
        Shape shape
        shared_ptr[const TypeInfo] element
        string text()

cdef extern from "sched/clock.h" namespace "engine" nogil:
    int64_t now_ns()
    int64_t kNever

cdef extern from "sched/run_control.h" namespace "engine" nogil:
    cdef cppclass CancelToken_ "engine::CancelToken":
        void cancel()
        cbool cancelled()

cdef extern from "passes/pass.h" namespace "engine" nogil:
    cdef enum class Level(int):
        Off
        Cheap
        All

cdef extern from "api/engine.h" namespace "engine" nogil:
    const char* version()
    int available_cpus()
    cdef enum class Isa(int):
        scalar
    Isa active_isa()
    const char* isa_name(Isa)
    cdef cppclass Port:
        string name
        TypeInfo type
        vector[string] dim_names
    cdef cppclass LoadOptions:
        string sha256
        vector[string] external_data
        int threads
        int64_t memory_limit
        Level level
        cbool allow_random
    cdef cppclass LoadTimes:
        int64_t read
        int64_t optimize
        int64_t plan
    cdef cppclass CModel "engine::Model":
        const vector[Port]& inputs()
        const vector[Port]& outputs()
        const string& digest()
        const vector[pair[string, string]]& metadata()
        const vector[pair[string, int]]& opsets()
        const vector[pair[string, int]]& operators()
        const string& producer()
        const LoadTimes& load_times()
        int64_t parameters()
        int threads()
        MemoryAccount& account()
        int64_t constant_bytes()
        int64_t packed_bytes()
    cdef cppclass Plan:
        int64_t arena_bytes
        int64_t scratch_per_worker
        vector[int] refs
    cdef cppclass Call:
        Call(CModel*)
        void set_tensor(int, DType, int, const int64_t*, void*)
        void set_value(int, Value)
        cbool is_set(int)
        Status plan()
        cbool fixed(int)
        const TypeInfo& output_type(int)
        void bind_output(int, void*)
        Status run(int64_t, const CancelToken_*, vector[int64_t]*)
        Value& output(int)
        const Plan& plan_used()
    string describe_plan(const Plan&, const vector[int64_t]*)

cdef extern from "api/binding.h" namespace "engine" nogil:
    Status load_file(const string&, const LoadOptions&, RefPtr[CModel]*)
    Status load_bytes(const char*, int64_t, const LoadOptions&, RefPtr[CModel]*)
    Status make_string_tensor(const int64_t*, int, Value*)
    void set_string(Value&, int64_t, const char*, int64_t)
    const string& get_string(const Tensor&, int64_t)
    void append_item(vector[Value]&, const Value&)
    Status copy_tensor(DType, int, const int64_t*, const void*, Value*)
    Value make_parts(ValueKind, vector[Value])
    const Value& part(const Value&, size_t)
    size_t part_count(const Value&)


# ---- errors: the only door from a Status to an exception --------------------------------------------------------------------

cdef int check(const Status& status) except -1:
    if status.ok():
        return 0
    cls = getattr(_errors, code_name(status.code()).decode())
    raise cls(status.message().decode("utf-8", "replace"))


# ---- element types ----------------------------------------------------------------------------------------------------------

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


# ---- describing -------------------------------------------------------------------------------------------------------------

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


# ---- values in and out ------------------------------------------------------------------------------------------------------

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
    keys = value_out(part(value, 0))
    values = value_out(part(value, 1))
    return dict(zip(keys.tolist(), values.tolist(), strict=True))


cdef object as_plain(cnp.ndarray array):
    """The array itself, or a contiguous, aligned copy in the machine's byte order."""
    if PyArray_ISCARRAY_RO(array):
        return array
    if not cnp.PyArray_ISNOTSWAPPED(array):
        array = array.astype(array.dtype.newbyteorder("="))
    return np.ascontiguousarray(array).reshape((<object>array).shape)


cdef int string_tensor(cnp.ndarray array, Value* out, name) except -1:
    cdef int64_t dims[16]
    cdef int i
    cdef int64_t k = 0
    cdef bytes raw
    for i in range(array.ndim):
        dims[i] = array.shape[i]
    check(make_string_tensor(dims, array.ndim, out))
    for item in array.reshape(-1).tolist():
        if isinstance(item, str):
            raw = (<str>item).encode("utf-8", "surrogateescape")
        elif isinstance(item, bytes):
            raw = item
        else:
            raise _errors.InvalidInput(f"input {name!r}: an element is {type(item).__name__}; a string is wanted")
        set_string(out[0], k, PyBytes_AS_STRING(raw), PyBytes_GET_SIZE(raw))
        k += 1
    return 0


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


cdef class CancelToken:
    """Stops the calls that were given it: cancel() from any thread, at any time."""

    cdef CancelToken_* token
    cdef RefPtr[CancelToken_] owner

    def __cinit__(self):
        self.token = new CancelToken_()
        self.owner = RefPtr[CancelToken_](self.token)

    def cancel(self):
        """Every call that holds this token stops at its next checkpoint and raises Cancelled."""
        self.token.cancel()

    @property
    def cancelled(self):
        return self.token.cancelled()


# ---- the model --------------------------------------------------------------------------------------------------------------

cdef struct InputPort:
    DType dtype
    int rank            # -1: open
    cbool tensor


@cython.final
cdef class Model:
    """A loaded model. Made by engine.load; safe to call from any number of threads."""

    cdef RefPtr[CModel] owner
    cdef CModel* model
    cdef int n_in, n_out
    cdef vector[InputPort] ports
    cdef vector[vector[int64_t]] dims
    cdef readonly tuple inputs, outputs, input_names, output_names
    cdef dict index
    cdef double default_timeout
    cdef object reduce_args
    cdef object __weakref__

    cdef int adopt(self, RefPtr[CModel] model, double timeout, object reduce_args) except -1:
        cdef int i, d
        cdef InputPort port
        cdef vector[int64_t] dims
        self.owner = model
        self.model = self.owner.get()
        self.default_timeout = timeout
        self.reduce_args = reduce_args
        self.n_in = <int>self.model.inputs().size()
        self.n_out = <int>self.model.outputs().size()
        self.inputs = tuple([describe(self.model.inputs()[i]) for i in range(self.n_in)])
        self.outputs = tuple([describe(self.model.outputs()[i]) for i in range(self.n_out)])
        self.input_names = tuple([info.name for info in self.inputs])
        self.output_names = tuple([info.name for info in self.outputs])
        self.index = {name: i for i, name in enumerate(self.input_names)}
        for i in range(self.n_in):
            port.dtype = self.model.inputs()[i].type.dtype
            port.tensor = self.model.inputs()[i].type.kind == TypeKind.Tensor
            port.rank = self.model.inputs()[i].type.shape.rank() if self.model.inputs()[i].type.has_rank else -1
            dims.clear()
            for d in range(port.rank if port.rank > 0 else 0):
                dims.push_back(self.model.inputs()[i].type.shape[d])
            self.ports.push_back(port)
            self.dims.push_back(dims)
        return 0

    # -- inputs

    cdef int put(self, Call* call, int i, object item, list keep) except -1:
        cdef cnp.ndarray array
        cdef InputPort port = self.ports[i]
        cdef Value value
        cdef int d
        if not port.tensor:
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
            wants_list = self.model.inputs()[i].type.kind == TypeKind.Sequence
            if wants_list and not isinstance(item, (list, tuple)):
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
            elif self.model.inputs()[i].type.kind != TypeKind.Optional:
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

    # -- outputs

    cdef object fixed_output(self, Call* call, int k):
        cdef const TypeInfo* type = &call.output_type(k)
        cdef cnp.npy_intp dims[16]
        cdef int d
        for d in range(type.shape.rank()):
            dims[d] = type.shape[d]
        cdef cnp.ndarray array = cnp.PyArray_SimpleNew(type.shape.rank(), dims, typenum_of(type.dtype))
        call.bind_output(k, cnp.PyArray_DATA(array))
        return array

    cdef list call(self, Call* call, int64_t deadline, const CancelToken_* token, vector[int64_t]* times):
        cdef Status status
        cdef int k
        cdef list results = [None] * self.n_out
        with nogil:
            status = call.plan()
        check(status)
        for k in range(self.n_out):
            if call.fixed(k):
                results[k] = self.fixed_output(call, k)
        with nogil:
            status = call.run(deadline, token, times)
        check(status)
        for k in range(self.n_out):
            if results[k] is None:
                results[k] = value_out(call.output(k))
        return results

    cdef int64_t deadline(self, object timeout) except -1:
        cdef double seconds = self.default_timeout
        if timeout is not None:
            seconds = timeout
            if not seconds >= 0:
                raise _errors.InvalidInput(f"timeout is {timeout}; seconds, at least 0, are wanted")
        if seconds < 0 or seconds > 9e8:
            return kNever
        return now_ns() + <int64_t>(seconds * 1e9)

    def run(self, feeds, *, timeout=None, outputs=None, request_id=None, cancel=None):
        """Compute the outputs for a dict of inputs.

        feeds: dict from input name to array (any buffer or nested list too; a dtype other than the model's is an error).
        timeout: seconds for the whole call; None: the model's default.
        outputs: names of the outputs wanted, in the order of the result; None: all.
        request_id: text for errors and logs.
        cancel: a CancelToken.

        Returns a dict from output name to numpy.ndarray (a list for a sequence, a dict for a map, None for an empty optional).
        Raises InvalidInput, DeadlineExceeded, Cancelled, MemoryLimitExceeded.
        """
        cdef list keep = []
        cdef CancelToken_* token = NULL
        cdef int64_t deadline = self.deadline(timeout)
        cdef Call* call
        cdef int k
        if cancel is not None:
            token = (<CancelToken?>cancel).token
        if outputs is not None:
            self.check_outputs(outputs)
        call = new Call(self.model)
        try:
            self.put_all(call, feeds, keep)
            results = self.call(call, deadline, token, NULL)
        except _errors.EngineError as error:
            if request_id is not None:
                error.add_note(f"request_id: {request_id}") if hasattr(error, "add_note") else None
                error.request_id = request_id
            raise
        finally:
            del call
        if outputs is not None:
            return {name: results[self.output_names.index(name)] for name in outputs}
        cdef dict answer = {}
        for k in range(self.n_out):
            answer[<object>self.output_names[k]] = results[k]
        return answer

    cdef int check_outputs(self, object outputs) except -1:
        if isinstance(outputs, str):
            raise _errors.InvalidInput("outputs is a list of names, not one name")
        for name in outputs:
            if name not in self.output_names:
                raise _errors.InvalidInput(f"output {name!r} is unknown. The model's outputs are {', '.join(map(repr, self.output_names))}")
        return 0

    def __call__(self, *args, timeout=None):
        """Inputs by position; the output itself when the model has one, else a tuple."""
        if len(args) != self.n_in:
            raise _errors.InvalidInput(f"the model has {self.n_in} inputs ({', '.join(self.input_names)}); {len(args)} are given")
        answer = self.run(dict(zip(self.input_names, args)), timeout=timeout)
        if self.n_out == 1:
            return answer[self.output_names[0]]
        return tuple(answer.values())

    def profile(self, feeds, *, timeout=None):
        """Run once and tell the plan: (outputs, text with a line a step and its time in microseconds)."""
        cdef list keep = []
        cdef vector[int64_t] times
        cdef Call* call = new Call(self.model)
        try:
            self.put_all(call, feeds, keep)
            results = self.call(call, self.deadline(timeout), NULL, &times)
            text = describe_plan(call.plan_used(), &times).decode()
        finally:
            del call
        return dict(zip(self.output_names, results)), text

    def plan(self, feeds):
        """The plan for inputs of these shapes: dict with steps, arena_bytes, scratch_bytes, text."""
        cdef list keep = []
        cdef Status status
        cdef Call* call = new Call(self.model)
        try:
            self.put_all(call, feeds, keep)
            with nogil:
                status = call.plan()
            check(status)
            text = describe_plan(call.plan_used(), NULL).decode()
            return {
                "steps": text.count("\n"),
                "arena_bytes": call.plan_used().arena_bytes,
                "scratch_bytes": call.plan_used().scratch_per_worker * self.model.threads(),
                "text": text,
            }
        finally:
            del call

    # -- facts

    @property
    def digest(self):
        """"sha256:..." of exactly the bytes that were parsed."""
        return self.model.digest().decode()

    @property
    def threads(self):
        """Threads that one call may use."""
        return self.model.threads()

    @property
    def metadata(self):
        """The file's metadata properties, a dict of str."""
        cdef vector[pair[string, string]] found = self.model.metadata()
        return {p.first.decode("utf-8", "replace"): p.second.decode("utf-8", "replace") for p in found}

    @property
    def opsets(self):
        """Domain -> version that the file imports; "" is ai.onnx."""
        cdef vector[pair[string, int]] found = self.model.opsets()
        return {p.first.decode(): p.second for p in found}

    @property
    def operators(self):
        """Operator -> number of nodes in the file."""
        cdef vector[pair[string, int]] found = self.model.operators()
        return {p.first.decode(): p.second for p in found}

    @property
    def producer(self):
        return self.model.producer().decode("utf-8", "replace")

    @property
    def parameters(self):
        """Number of elements in the file's constants."""
        return self.model.parameters()

    @property
    def load_seconds(self):
        """Seconds of the phases of loading: read, optimize, plan."""
        cdef const LoadTimes* t = &self.model.load_times()
        return {"read": t.read * 1e-9, "optimize": t.optimize * 1e-9, "plan": t.plan * 1e-9}

    @property
    def memory(self):
        """Bytes: constants in the file, packed, in use now, at most so far, limit (0: none)."""
        return {
            "constants": self.model.constant_bytes(),
            "packed": self.model.packed_bytes(),
            "used": self.model.account().used(),
            "peak": self.model.account().peak(),
            "limit": self.model.account().limit(),
        }

    def __reduce__(self):
        if self.reduce_args is None:
            raise TypeError("a model loaded from bytes cannot be pickled; load it from a path")
        from engine.model import _reopen
        return _reopen, (*self.reduce_args, self.digest)

    def __repr__(self):
        ins = ", ".join(f"{i.name}: {i.dtype}{list(i.shape) if i.shape is not None else ''}" for i in self.inputs)
        return f"<engine.Model {self.digest[:19]} ({ins})>"


cdef LoadOptions options_from(sha256, external_data, threads, memory_limit, optimize, allow_random) except *:
    cdef LoadOptions options
    options.sha256 = (sha256 or "").encode()
    for folder in external_data:
        options.external_data.push_back(folder.encode("utf-8", "surrogateescape"))
    options.threads = threads or 0
    options.memory_limit = memory_limit or 0
    options.level = {"off": Level.Off, "cheap": Level.Cheap, "all": Level.All}[optimize]
    options.allow_random = allow_random
    return options


def _load_file(path, sha256, external_data, threads, memory_limit, timeout, optimize, allow_random, reduce_args):
    cdef RefPtr[CModel] model
    cdef LoadOptions options = options_from(sha256, external_data, threads, memory_limit, optimize, allow_random)
    cdef string name = path.encode("utf-8", "surrogateescape")
    cdef Status status
    with nogil:
        status = load_file(name, options, &model)
    check(status)
    cdef Model result = Model.__new__(Model)
    result.adopt(model, -1.0 if timeout is None else timeout, reduce_args)
    return result


def _load_bytes(data, sha256, external_data, threads, memory_limit, timeout, optimize, allow_random):
    cdef RefPtr[CModel] model
    cdef LoadOptions options = options_from(sha256, external_data, threads, memory_limit, optimize, allow_random)
    cdef const unsigned char[::1] view = memoryview(data).cast("B")
    cdef const char* begin = <const char*>&view[0] if view.shape[0] else NULL
    cdef int64_t size = view.shape[0]
    cdef Status status
    with nogil:
        status = load_bytes(begin, size, options, &model)
    check(status)
    cdef Model result = Model.__new__(Model)
    result.adopt(model, -1.0 if timeout is None else timeout, None)
    return result


def core_version():
    """The version that the core was built as."""
    return version().decode()


def cpus():
    """CPUs that this process may use: the affinity mask and the cgroup's quota."""
    return available_cpus()


def isa():
    """The instruction-set tier that kernels are chosen for: the CPU's best, or the one that ENGINE_ISA names."""
    return isa_name(active_isa()).decode()
