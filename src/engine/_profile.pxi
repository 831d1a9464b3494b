# Running once with the time of each step, and what the machine reaches.


cdef tuple profiled(ModelBase model, feeds, timeout, cancel):
    cdef list keep = []
    cdef vector[int64_t] times
    cdef CallOptions options
    cdef Status status
    cdef int k
    cdef Call* call
    check_thread()
    call = new Call(model.service[0])
    try:
        check(call.open())
        signature = model.known(&call.version())
        signature.put_all(call, feeds, keep)
        if cancel is not None:
            options.token = (<CancelToken?>cancel).token
        options.deadline_ns = call.deadline(seconds_of(timeout))
        with nogil:
            status = call.wait_and_run(options, &times)
        if not status.ok():
            raise exception_of(status, call.report())
        results = [value_out(call.output(k)) for k in range(signature.n_out)]
        text = describe_plan(call.plan_used(), &times).decode()
        steps = steps_of(report_steps(call.plan_used(), times))
    except BaseException as error:
        call.refuse(why_not(error))
        raise
    finally:
        del call
    return signature.answer(results, None), text, steps


cdef list steps_of(const vector[StepReport]& reports):
    cdef list steps = []
    cdef size_t i
    for i in range(reports.size()):
        cost = reports[i].cost
        steps.append({
            "operator": reports[i].op.decode("utf-8", "replace"),
            "node": reports[i].node.decode("utf-8", "replace"),
            "outputs": reports[i].outputs.decode("utf-8", "replace"),
            "seconds": reports[i].ns * 1e-9,
            "flops": None if cost.known == Flops.Unknown else cost.flops,
            "flops_counted": cost.known == Flops.Counted,
            "bytes": cost.bytes,
            "shapes_known": cost.shapes_known,
        })
    return steps


def machine_peak(int threads):
    """What this machine reaches now, all threads together: dict with threads, flops (float32 multiply-adds a second, from
    registers) and levels, a list of dicts with name, fits (bytes; None: any number) and bytes (read a second by a plain loop)."""
    cdef MachinePeak peak
    cdef Status status
    cdef size_t i
    if threads < 1:
        raise ValueError(f"threads is {threads}; at least 1 is wanted")
    with nogil:
        status = measure_peak_into(threads, &peak)
    check(status)
    levels = [
        {
            "name": peak.levels[i].name.decode(),
            "fits": peak.levels[i].bytes or None,
            "bytes": peak.levels[i].gbytes * 1e9,
        }
        for i in range(peak.levels.size())
    ]
    return {"threads": threads, "flops": peak.gflops * 1e9, "levels": levels}
