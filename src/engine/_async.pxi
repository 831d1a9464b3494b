# Calls that no thread waits for.

cdef dict _under_way = {}    # address of the core's call -> Pending: what it computes on stays alive until it has ended


cdef class Mailbox:
    """Where calls that have ended wait to be delivered to their futures."""

    cdef RefPtr[CMailbox] box
    cdef RefPtr[AsyncCall] taken    # out of the box, and its future perhaps not set yet

    def __init__(self, cbool with_descriptor):
        check_thread()
        self.box = RefPtr[CMailbox](new CMailbox(with_descriptor))

    def fileno(self):
        """Readable while there is something to deliver; -1 where the system has no such thing."""
        return self.box.get().descriptor()

    def wait(self):
        """Blocks until there may be something to deliver; a moment when a delivery is to be tried again."""
        cdef int64_t end = kNever if self.taken.get() == NULL else now_ns() + 10000000
        with nogil:
            self.box.get().wait(end)

    def deliver(self):
        """Sets the futures of all calls that have ended. When that raises (MemoryError), the next delivery goes on from there."""
        cdef Pending pending
        while True:
            if self.taken.get() == NULL:
                self.taken = self.box.get().take()
            if self.taken.get() == NULL:
                return
            pending = _under_way[<size_t>self.taken.get()]
            pending.settle()
            del _under_way[<size_t>self.taken.get()]
            self.taken = RefPtr[AsyncCall]()

    def close(self, Mailbox heir):
        """What has not been delivered, and what still comes, goes to `heir`."""
        with nogil:
            self.box.get().close(heir.box)


@cython.final
cdef class Pending:
    """A call under way, whose future will be set when it has ended."""

    cdef RefPtr[AsyncCall] call
    cdef ModelBase model
    cdef Signature signature
    cdef object future, request_id, request, outputs, feeds, token, report
    cdef list keep

    def cancel(self):
        """Stops it, waiting or computing; its future is set to Cancelled unless it is done by then."""
        with nogil:
            self.call.get().cancel()

    cdef settle(self):
        future = self.future
        self.feeds = self.keep = None
        if future is not None and not future.done():
            try:
                answer = self.answer()
            except BaseException as error:
                _set(future.set_exception, error)
            else:
                _set(future.set_result, answer)
        self.future = None

    cdef object answer(self):
        cdef int k
        cdef Call* call = &self.call.get().call()
        if self.report is not None:
            fill(self.report, call.report())
        if not self.call.get().status().ok():
            raise failed(self.model, exception_of(self.call.get().status(), call.report()), self.request_id, self.request)
        return self.signature.answer([value_out(call.output(k)) for k in range(self.signature.n_out)], self.outputs)


cdef int _set(object setter, object value) except -1:
    """A future may be cancelled, or set by others, at any time, and its loop be closed."""
    try:
        setter(value)
    except RuntimeError:
        pass
    except Exception as error:
        if type(error).__name__ != "InvalidStateError":
            raise
    return 0


def _start(ModelBase model, Mailbox mailbox, future, feeds, timeout, outputs, request_id, cancel, priority, report=None):
    """Begins a call whose answer, or error, `future` gets through `mailbox`. Raises what is known to be wrong at once."""
    cdef Pending pending = Pending.__new__(Pending)
    cdef CallOptions options
    cdef Status status
    cdef Call* call
    if model.service == NULL:
        raise _errors.NotReady("the model is not open")
    check_thread()
    pending.model = model
    pending.call = RefPtr[AsyncCall](new AsyncCall(model.owner, mailbox.box))
    call = &pending.call.get().call()
    pending.keep = []
    pending.feeds = feeds
    pending.future = future
    pending.outputs = outputs
    pending.request_id = request_id
    pending.request = _events.request.get()
    pending.report = report
    pending.token = cancel
    try:
        status = call.open()
        check(status)
        pending.signature = model.known(&call.version())
        if outputs is not None:
            pending.signature.check_outputs(outputs)
        if cancel is not None:
            options.token = (<CancelToken?>cancel).token
        options.high_priority = high_priority(priority)
        options.deadline_ns = call.deadline(seconds_of(timeout))
        pending.signature.put_all(call, feeds, pending.keep)
        pending.feeds = list(feeds.values())
        _under_way[<size_t>pending.call.get()] = pending
    except _errors.EngineError as error:
        call.refuse(why_not(error))
        raise failed(model, error, request_id, pending.request)
    except BaseException as error:
        call.refuse(why_not(error))
        raise
    with nogil:
        pending.call.get().start(options)
    return pending


def _until_it_returns(target, tuple args):
    """The first function of a thread: none of Python, which would need memory to begin."""
    while True:
        try:
            target(*args)
            return
        except MemoryError:
            with nogil:
                sleep_ns(10000000)


def _forget_calls():
    """In a forked child: what its parent has under way does not end here."""
    _under_way.clear()
