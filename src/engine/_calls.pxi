# Calls: what every one passes through.

cdef class CancelToken:
    """Stops the calls that were given it: cancel() from any thread, at any time."""

    cdef CancelToken_* token
    cdef RefPtr[CancelToken_] owner

    def __cinit__(self):
        self.token = new CancelToken_()
        self.owner = RefPtr[CancelToken_](self.token)

    def cancel(self):
        """Every call that holds this token stops at its next checkpoint, or leaves the queue, and raises Cancelled."""
        with nogil:
            self.token.cancel()

    @property
    def cancelled(self):
        return self.token.cancelled()


cdef unsigned long _main_thread = threading.main_thread().ident


def _after_fork():
    global _main_thread
    _main_thread = threading.get_ident()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


cdef cbool run_signal_handlers(void* error) noexcept with gil:
    """Gives the program's signal handlers their turn. True when one of them raises; *error then owns what."""
    try:
        PyErr_CheckSignals()
    except BaseException as raised:
        Py_INCREF(raised)
        (<PyObject**>error)[0] = <PyObject*>raised
        return True
    return False


cdef int raise_pending(PyObject** error) except -1:
    """Raises what a signal handler raised."""
    cdef object raised
    if error[0] == NULL:
        return 0
    raised = <object>error[0]
    error[0] = NULL
    Py_DECREF(raised)
    raise raised


cdef list _left_for_later = []    # by signal handlers, in the order in which they ran


def in_call():
    """Whether this thread waits or computes in a call at this moment, as it does when a signal handler interrupts one."""
    return Service.thread_in_call()


def after_call(function):
    """function() is called when the call that the main thread is in has ended, before its answer is returned."""
    _left_for_later.append(function)


cdef int do_what_was_left() except -1:
    while _left_for_later and not Service.thread_in_call():
        _left_for_later.pop(0)()
    return 0


cdef object exception_of(const Status& status, const CallReport& report):
    error = error_of(status)
    error.waited = report.queued_ns * 1e-9
    error.computed = report.computed_ns * 1e-9
    error.version = report.version
    if not report.node.empty():
        error.node = report.node.decode("utf-8", "replace")
    if status.code() == Code.Overloaded:
        error.retry_after = report.retry_after_ns * 1e-9
    return error


cdef object failed(ModelBase model, object error, object request_id, object request):
    """The error of a call, which now knows whose call it was; whoever listens is told of it.

    request: the events.Request that the call was made in, or None.
    """
    if request is not None:
        error.traceparent = request.traceparent
        if request_id is None:
            request_id = request.request_id
    if request_id is not None:
        error.request_id = request_id
        if hasattr(error, "add_note"):
            error.add_note(f"request_id: {request_id}")
    _events.call_failed(model, error)
    return error


cdef int fill(object told, const CallReport& report) except -1:
    """told: a CallReport of Python, or None."""
    if told is not None:
        told.waited = report.queued_ns * 1e-9
        told.computed = report.computed_ns * 1e-9
        told.version = report.version
    return 0


cdef object fixed_output(Call* call, int k):
    cdef const TypeInfo* type = &call.output_type(k)
    cdef cnp.npy_intp dims[16]
    cdef int d
    for d in range(type.shape.rank()):
        dims[d] = type.shape[d]
    cdef cnp.ndarray array = cnp.PyArray_SimpleNew(type.shape.rank(), dims, typenum_of(type.dtype))
    call.bind_output(k, cnp.PyArray_DATA(array))
    return array


cdef int check_thread() except -1:
    """Whatever throws in the core must find what throwing needs."""
    if not prepare_thread():
        raise MemoryError
    return 0


cdef Outcome why_not(object error):
    """How a call ends that was not begun, because of this error."""
    return Outcome.memory if isinstance(error, MemoryError) else Outcome.invalid


cdef int high_priority(object priority) except -1:
    if priority is None or priority == "normal":
        return 0
    if priority == "high":
        return 1
    raise _errors.InvalidInput(f"priority is {priority!r}; 'normal' or 'high' is wanted")


cdef double seconds_of(object timeout) except? -2:
    """-1: none said."""
    if timeout is None:
        return -1
    cdef double seconds = PyLong_AsDouble(timeout) if PyLong_CheckExact(timeout) else timeout
    if not seconds >= 0:
        raise _errors.InvalidInput(f"timeout is {timeout}; seconds, at least 0, are wanted")
    return seconds
