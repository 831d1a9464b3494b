"""When models of the zoo were measured, their table goes to RESULTS.md."""

import results_table


def pytest_sessionfinish(session):
    measured = getattr(getattr(session.config, "_benchmarksession", None), "benchmarks", ())
    rows = [bench.extra_info["zoo"] for bench in measured if "zoo" in bench.extra_info]
    if rows:
        results_table.write(rows)
