# Calls of a model.


cdef class ModelBase(FactsBase):
    """The part of engine.Model that calls pass through."""

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
