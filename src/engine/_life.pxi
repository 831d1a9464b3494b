# A model in service: its versions, its life, its counters.

STATES = tuple([state_name(<State>i).decode() for i in range(5)])


cdef int64_t until(object seconds) except? -1:
    """The time on the core's clock that lies so many seconds ahead; None: for ever."""
    if seconds is None:
        return kNever
    cdef double ahead = seconds
    if not ahead >= 0:
        raise _errors.InvalidInput(f"timeout is {seconds}; seconds, at least 0, are wanted")
    return kNever if ahead > 9e8 else now_ns() + <int64_t>(ahead * 1e9)


cdef uint64_t place_of_counts(void* model, int version) noexcept with gil:
    try:
        return (<ServiceBase>model)._place_of_counts(version)
    except Exception:
        return 0


cdef class ServiceBase:
    """The service that a model is: versions come and go, and it drains in the end."""

    cdef RefPtr[Service] owner
    cdef Service* service
    cdef FunctionPlace place
    cdef object __weakref__

    def __cinit__(self, *args, **kwargs):
        self.service = NULL

    cdef int begin(self, const ServiceOptions& options) except -1:
        check_thread()
        self.service = new Service(options)
        self.owner = RefPtr[Service](self.service)
        self.place.set(place_of_counts, <void*>self)
        self.service.set_metrics_place(&self.place)
        return 0

    def __dealloc__(self):
        if self.service != NULL:
            self.service.set_metrics_place(NULL)

    def _place_of_counts(self, version):
        """The address of a block where this version is counted, in memory that is never unmapped; 0: in memory of this process."""
        return 0

    def _begin(self, max_concurrency, max_queue, timeout, max_timeout, refuse_late, keep_versions, memory_limit):
        cdef ServiceOptions options
        options.max_concurrency = max_concurrency or 0
        options.max_queue = max_queue
        options.timeout_ns = kNever if timeout is None else <int64_t>(min(timeout, 9e8) * 1e9)
        options.max_timeout_ns = kNever if max_timeout is None else <int64_t>(min(max_timeout, 9e8) * 1e9)
        options.refuse_late = refuse_late
        options.keep_versions = keep_versions
        options.memory_limit = memory_limit or 0
        self.begin(options)

    # -- versions

    def _load(self, source, options, warmup, cbool background):
        """source: str (a path) or a buffer. options: dict of LoadOptions. warmup: False, True or a list of dicts from name to shape."""
        check_thread()
        cdef Loaded loaded = Loaded.__new__(Loaded)
        cdef LoadOptions native = options_from(options)
        cdef ModelSource where
        cdef WarmUp warm = warm_up_from(warmup)
        cdef const unsigned char[::1] view
        cdef Status status
        if isinstance(source, str):
            where.path = (<str>source).encode("utf-8", "surrogateescape")
        else:
            view = memoryview(source).cast("B")
            where.data = <const void*>&view[0] if view.shape[0] else <const void*>b""
            where.size = view.shape[0]
        with nogil:
            status = load_for(self.service[0], where, native, warm, background, &loaded.model)
        if not status.ok():
            self._count_failed_load()
        check(status)
        return loaded

    def _publish(self, Loaded loaded, cbool allow_signature_change, int number=0):
        """number: that of the version; 0: one more than the highest so far."""
        cdef Status status
        check_thread()
        with nogil:
            status = publish(self.service[0], loaded.model, allow_signature_change, &number)
        check(status)
        return number

    def _rollback(self):
        cdef int number = 0
        cdef Status status
        check_thread()
        with nogil:
            status = rollback(self.service[0], &number)
        check(status)
        return number

    def _count_failed_load(self):
        self.service.metrics().current().count(Counter.loads_failed)

    def _fail(self, reason):
        cdef string text = reason.encode()
        with nogil:
            self.service.fail(text)

    def _wait_loaded(self, timeout):
        """Waits in short turns, so that signal handlers get theirs."""
        cdef int64_t end = until(timeout)
        cdef int64_t turn = 50000000
        while self.state == "LOADING" and now_ns() < end:
            with nogil:
                self.service.wait_loaded(min(end, now_ns() + turn))
            PyErr_CheckSignals()

    def _begin_drain(self):
        return self.service.begin_drain()

    def _wait_drained(self, timeout):
        """Waits in short turns, so that signal handlers get theirs."""
        cdef int64_t end = until(timeout)
        cdef cbool drained = False
        while True:
            with nogil:
                drained = self.service.wait_drained(min(end, now_ns() + 50000000))
            if drained or now_ns() >= end:
                return drained
            PyErr_CheckSignals()

    def _abort_calls(self):
        cdef int left
        with nogil:
            left = self.service.abort_calls()
        return left

    def _close(self):
        if self.service != NULL:
            with nogil:
                self.service.close()

    # -- state and counters

    @property
    def state(self):
        """"LOADING", "READY", "DRAINING", "CLOSED" or "FAILED"."""
        return STATES[<int>self.service.state()] if self.service != NULL else "CLOSED"

    @property
    def ready(self):
        """Whether a call would be taken now: loaded, warmed up, not draining."""
        return self.service != NULL and self.service.state() == State.Ready

    @property
    def reason(self):
        """Why the state is FAILED; "" otherwise."""
        return self.service.reason().decode("utf-8", "replace")

    @property
    def kept_versions(self):
        """Numbers of the versions that rollback() can go back to, the latest last."""
        return tuple(self.service.kept_versions())

    def _counts(self):
        cdef MetricsSnapshot* snapshot
        with nogil:
            snapshot = new_snapshot(self.service[0])
        try:
            return {
                **counts_of(snapshot[0]),
                "running": self.service.admission().running(),
                "queued": self.service.admission().queued(),
                "max_concurrency": self.service.admission().permits(),
                "max_queue": self.service.admission().max_queue(),
            }
        finally:
            del snapshot

    def _counts_for(self, int version, uint64_t address):
        """Calls that begin from now on are counted for this version.

        address: of a block in memory that is never unmapped; 0: in memory of this process.
        """
        self.service.metrics().count_for(version, MetricsBlock.on(<void*>address) if address else NULL)

    def _counts_by_version(self):
        """The counts of each version that has some of its own."""
        cdef dict out = {}
        cdef int version
        cdef MetricsSnapshot* snapshot
        for version in self.service.metrics().versions():
            snapshot = new_snapshot_of(self.service[0], version)
            try:
                out[version] = counts_of(snapshot[0])
            finally:
                del snapshot
        return out
