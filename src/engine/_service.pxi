# A model in service.

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
        return (<ModelBase>model)._place_of_counts(version)
    except Exception:
        return 0


cdef class Loaded:
    """A version that was loaded and does not answer yet."""

    cdef RefPtr[CModel] model

    @property
    def digest(self):
        return self.model.get().digest().decode()

    @property
    def cache(self):
        return shared_packs(self.model.get())

    @property
    def external_files(self):
        return external_files_of(self.model.get().files())


cdef class ModelBase:
    """The part of engine.Model that calls pass through."""

    cdef RefPtr[Service] owner
    cdef Service* service
    cdef Signature signature    # of the version seen last
    cdef dict signatures        # by number
    cdef FunctionPlace place
    cdef object __weakref__

    def __cinit__(self, *args, **kwargs):
        self.service = NULL
        self.signatures = {}

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

    cdef Signature now(self):
        cdef RefPtr[Version] version = self.current()
        return self.known(version.get())

    cdef Signature known(self, const Version* version):
        cdef int number = version.signature()
        cdef Signature s = self.signature
        if s is not None and s.number == number:
            return s
        s = self.signatures.get(number)
        if s is None:
            s = Signature.make(&version.model(), number)
            self.signatures[number] = s
        self.signature = s
        return s

    cdef RefPtr[Version] current(self) except *:
        cdef RefPtr[Version] version
        if self.service != NULL:
            version = self.service.slot().get()
        if version.get() == NULL:
            if self.service != NULL:
                check(self.service.accepts())
            raise _errors.NotReady("the model is closed")
        return version

    # -- calls

    def run(self, feeds, *, timeout=None, outputs=None, request_id=None, cancel=None, priority=None, report=None):
        """Compute the outputs for a dict of inputs.

        feeds: dict from input name to array (any buffer or nested list too; a dtype other than the model's is an error).
        timeout: seconds for waiting and computing together; None: the model's default. Never more than the model's max_timeout.
        outputs: names of the outputs wanted, in the order of the result; None: all.
        request_id: text for errors and logs; None: that of engine.logs.request, if there is one.
        cancel: a CancelToken.
        priority: "high" goes before all that is not in the queue.
        report: a CallReport, which gets what became of the call.

        Returns a dict from output name to numpy.ndarray (a list for a sequence, a dict for a map, None for an empty optional).
        Raises InvalidInput, Overloaded (the queue is full, or recent calls took longer than the time that is left),
        DeadlineExceeded, Cancelled, MemoryLimitExceeded, NotReady, Draining.
        """
        cdef list keep = []
        cdef CallOptions options
        cdef FunctionInterrupt interrupt
        cdef PyObject* raised = NULL
        cdef Call* call
        cdef Status status
        cdef Signature signature
        cdef list results
        cdef int k
        if self.service == NULL:
            raise _errors.NotReady("the model is not open")
        check_thread()
        call = new Call(self.service[0])
        try:
            status = call.open()
            check(status)
            signature = self.known(&call.version())
            if outputs is not None:
                signature.check_outputs(outputs)
            if cancel is not None:
                options.token = (<CancelToken?>cancel).token
            if priority is not None:
                options.high_priority = high_priority(priority)
            options.deadline_ns = call.deadline(seconds_of(timeout))
            signature.put_all(call, feeds, keep)
            if PyThread_get_thread_ident() == _main_thread:
                interrupt.set(run_signal_handlers, &raised)
                options.interrupt = &interrupt
            results = [None] * signature.n_out
            if call.enter_at_once(options):
                for k in range(signature.n_out):
                    if call.fixed(k):
                        results[k] = fixed_output(call, k)
                with nogil:
                    status = call.run()
            else:
                with nogil:
                    status = call.wait_and_run(options)
            if options.interrupt != NULL and _left_for_later:
                do_what_was_left()
            if raised != NULL:
                raise_pending(&raised)
            if report is not None:
                fill(report, call.report())
            if not status.ok():
                raise exception_of(status, call.report())
            for k in range(signature.n_out):
                if results[k] is None:
                    results[k] = value_out(call.output(k))
        except _errors.EngineError as error:
            call.refuse(why_not(error))
            raise failed(self, error, request_id, _events.request.get())
        except BaseException as error:
            call.refuse(why_not(error))
            raise
        finally:
            del call
        return signature.answer(results, outputs)

    def _run_if_short(self, feeds, double limit, timeout, outputs, request_id, report):
        """run, if it can begin at once and calls of these shapes are known to take at most `limit` seconds; else None.

        For event loops. What is wrong with the arguments is None too: nothing is counted then, and another call will tell.
        """
        cdef list keep = []
        cdef list results
        cdef CallOptions options
        cdef Status status
        cdef Signature signature
        cdef int k
        cdef Call* call = new Call(self.service[0], False)
        try:
            status = call.open()
            if not status.ok():
                return None
            try:
                signature = self.known(&call.version())
                if outputs is not None:
                    signature.check_outputs(outputs)
                options.deadline_ns = call.deadline(seconds_of(timeout))
                signature.put_all(call, feeds, keep)
            except _errors.EngineError:
                return None
            if not call.enter_if_short(options, <int64_t>(limit * 1e9)):
                return None
            results = [None] * signature.n_out
            for k in range(signature.n_out):
                if call.fixed(k):
                    results[k] = fixed_output(call, k)
            with nogil:
                status = call.run()
            fill(report, call.report())
            if not status.ok():
                raise failed(self, exception_of(status, call.report()), request_id, _events.request.get())
            for k in range(signature.n_out):
                if results[k] is None:
                    results[k] = value_out(call.output(k))
        finally:
            del call
        return signature.answer(results, outputs)

    def __call__(self, *args, timeout=None):
        """Inputs by position; the output itself when the model has one, else a tuple."""
        cdef Signature s = self.signature if self.signature is not None else self.now()
        if len(args) != s.n_in:
            raise _errors.InvalidInput(f"the model has {s.n_in} inputs ({', '.join(s.input_names)}); {len(args)} are given")
        answer = self.run(dict(zip(s.input_names, args)), timeout=timeout)
        if len(answer) == 1:
            return next(iter(answer.values()))
        return tuple(answer.values())

    def profile(self, feeds, *, timeout=None, cancel=None):
        """Run once and tell the plan: (outputs, text with a line a step and its time in microseconds)."""
        answer, text, _ = profiled(self, feeds, timeout, cancel)
        return answer, text

    def profile_steps(self, feeds, *, timeout=None, cancel=None):
        """Run once: (outputs, the steps in order). A step is a dict: operator, node, outputs, seconds, flops (None: nobody has said
        what the operator takes), flops_counted (False: so many an element, an estimate), bytes of its operands and results, each
        once, and shapes_known (False: what only a run tells is left out of the two)."""
        answer, _, steps = profiled(self, feeds, timeout, cancel)
        return answer, steps

    def plan(self, feeds):
        """The plan for inputs of these shapes: dict with steps, arena_bytes, scratch_bytes, text."""
        cdef list keep = []
        cdef Status status
        cdef Call* call = new Call(self.service[0], False)
        try:
            check(call.open())
            self.known(&call.version()).put_all(call, feeds, keep)
            with nogil:
                status = call.plan()
            check(status)
            text = describe_plan(call.plan_used(), NULL).decode()
            return {
                "steps": text.count("\n"),
                "arena_bytes": call.plan_used().arena_bytes,
                "scratch_bytes": call.plan_used().scratch_per_worker * call.version().model().threads(),
                "text": text,
            }
        finally:
            del call

    # -- facts of the current version

    @property
    def inputs(self):
        """The inputs, a tuple of TensorInfo."""
        return self.now().inputs

    @property
    def outputs(self):
        """The outputs, a tuple of TensorInfo."""
        return self.now().outputs

    @property
    def default_inputs(self):
        """Inputs to which the file itself gives a value, a tuple of TensorInfo: constants, unless load's as_inputs names them."""
        cdef RefPtr[Version] version = self.current()
        cdef const CModel* model = &version.get().model()
        return tuple([describe(model.default_inputs()[i]) for i in range(model.default_inputs().size())])

    @property
    def input_names(self):
        return self.now().input_names

    @property
    def output_names(self):
        return self.now().output_names

    @property
    def version(self):
        """The number of the version that is current: 1, 2, ..."""
        return self.current().get().number()

    @property
    def digest(self):
        """"sha256:..." of exactly the bytes that were parsed."""
        return self.current().get().model().digest().decode()

    @property
    def external_files(self):
        """The external data files of the current version: dict from its name in the model to (path, bytes, SHA-256 or "")."""
        return external_files_of(self.current().get().model().files())

    @property
    def threads(self):
        """Threads that one call may use."""
        return self.current().get().model().threads()

    @property
    def metadata(self):
        """The file's metadata properties, a dict of str."""
        cdef RefPtr[Version] version = self.current()
        cdef const vector[pair[string, string]]* found = &version.get().model().metadata()
        cdef size_t i
        return {found[0][i].first.decode("utf-8", "replace"): found[0][i].second.decode("utf-8", "replace") for i in range(found.size())}

    @property
    def facts(self):
        """What the file says of itself: a dict of str, and of int for version and ir_version."""
        cdef RefPtr[Version] version = self.current()
        cdef const ModelFacts* facts = &version.get().model().facts()
        return {
            "producer": facts.producer.decode("utf-8", "replace"),
            "producer_version": facts.producer_version.decode("utf-8", "replace"),
            "domain": facts.domain.decode("utf-8", "replace"),
            "description": facts.description.decode("utf-8", "replace"),
            "graph": facts.graph.decode("utf-8", "replace"),
            "graph_description": facts.graph_description.decode("utf-8", "replace"),
            "version": facts.version,
            "ir_version": facts.ir_version,
        }

    @property
    def opsets(self):
        """Domain -> version that the file imports; "" is ai.onnx."""
        cdef RefPtr[Version] version = self.current()
        return name_counts(version.get().model().opsets())

    @property
    def operators(self):
        """Operator -> number of nodes in the file."""
        cdef RefPtr[Version] version = self.current()
        return name_counts(version.get().model().operators())

    @property
    def producer(self):
        return self.current().get().model().producer().decode("utf-8", "replace")

    @property
    def parameters(self):
        """Number of elements in the file's constants."""
        return self.current().get().model().parameters()

    @property
    def load_seconds(self):
        """Seconds of the phases of loading: read, optimize, plan."""
        cdef RefPtr[Version] version = self.current()
        cdef const LoadTimes* t = &version.get().model().load_times()
        return {"read": t.read * 1e-9, "optimize": t.optimize * 1e-9, "plan": t.plan * 1e-9}

    @property
    def memory(self):
        """Bytes: constants in the file, packed, in use now by all versions, at most so far, limit (0: none)."""
        cdef RefPtr[Version] version = self.current()
        cdef RefPtr[MemoryAccount] account = self.service.account()
        return {
            "constants": version.get().model().constant_bytes(),
            "packed": version.get().model().packed_bytes(),
            "used": account.get().used(),
            "peak": account.get().peak(),
            "limit": account.get().limit(),
        }

    @property
    def cache(self):
        """Of the current version's packed weights, those that other processes share through load's cache folder.

        bytes: mapped from there. found, stored: how many were there, and how many this process put there. failed: files that were no
        good or could not be written; failure: what the first of them was.
        """
        cdef RefPtr[Version] version = self.current()
        return shared_packs(&version.get().model())

    # -- facts of the service

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


cdef dict name_counts(const vector[pair[string, int]]& found):
    cdef size_t i
    return {found[i].first.decode(): found[i].second for i in range(found.size())}


cdef dict shared_packs(CModel* model):
    cdef SharedPacks packs = model.shared_packs()
    return {
        "bytes": packs.bytes,
        "found": packs.found,
        "stored": packs.stored,
        "failed": packs.failed,
        "failure": packs.failure.decode("utf-8", "replace"),
    }


cdef LoadOptions options_from(dict given) except *:
    cdef LoadOptions options
    options.sha256 = (given["sha256"] or "").encode()
    for folder in given["external_data"]:
        options.external_data.push_back(folder.encode("utf-8", "surrogateescape"))
    listed = given["external_sha256"]
    if listed is not None:
        options.only_listed_files = True
        for name, digest in listed.items():
            options.external_sha256.push_back(pair[string, string](name.encode("utf-8", "surrogateescape"), digest.encode()))
    options.hash_external_files = given["hash_files"]
    options.threads = given["threads"] or 0
    options.level = {"off": Level.Off, "cheap": Level.Cheap, "all": Level.All}[given["optimize"]]
    options.allow_random = given["allow_random"]
    options.cache = (given["cache"] or "").encode("utf-8", "surrogateescape")
    options.cache_limit = given["cache_limit"]
    for name in given["as_inputs"]:
        options.as_inputs.push_back(name.encode())
    for symbol, size in given["dims"].items():
        options.dims.push_back(pair[string, int64_t](<string>symbol.encode(), <int64_t>size))
    return options


cdef dict external_files_of(const vector[ExternalFileInfo]& files):
    """sha256 is known where it was checked or asked for."""
    cdef dict found = {}
    cdef size_t i, j
    for i in range(files.size()):
        facts = (files[i].path.decode("utf-8", "surrogateescape"), files[i].bytes, files[i].sha256.decode())
        for j in range(files[i].locations.size()):
            found[files[i].locations[j].decode("utf-8", "surrogateescape")] = facts
    return found


cdef WarmUp warm_up_from(warmup) except *:
    cdef WarmUp native
    cdef vector[int64_t] dims
    native.enabled = warmup is not False
    if isinstance(warmup, bool):
        return native
    for run in warmup:
        begin_warm_up(native)
        for name, shape in run.items():
            if len(shape) > 12:
                raise _errors.InvalidInput(f"warm-up: input {name!r} is given {len(shape)} dimensions; at most 12 are supported")
            dims.clear()
            for dim in shape:
                if dim < 0:
                    raise _errors.InvalidInput(f"warm-up: input {name!r} is given shape {tuple(shape)}; dimensions are at least 0")
                dims.push_back(dim)
            add_warm_up_shape(native, name.encode(), dims.data(), <int>dims.size())
    return native
