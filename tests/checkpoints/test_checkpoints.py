"""Every operator looks at the clock often enough, and stops when the deadline passed: no timing here, the clock is a fake.

The work of a case is what one thread needs at the very least (Case.ns); a checkpoint may stand for at most LIMIT_NS of it.
benchmarks/checkpoint_gaps.py measures the real gaps.
"""

import pytest
from checkpoint_table import CASES, NO_WORK, watched

from engine import _testing

LIMIT_NS = 200e3
# Checkpoints that may follow the read at which the deadline passed: those on the way out of nested loops.
UNWINDING = 4


def rows():
    return {(domain, name) for domain, name, *_ in _testing.op_rows()}


def test_every_operator_is_covered():
    covered = {row for case in CASES.values() for row in case.covers}
    assert covered <= rows()
    assert set(NO_WORK) <= rows()
    assert sorted(rows() - covered - set(NO_WORK)) == []


def needed(case):
    return max(1, int(case.ns / LIMIT_NS))


@pytest.mark.parametrize("name", CASES)
def test_checkpoints(name):
    case = CASES[name]
    model = watched(case)
    first = model.run()
    assert first["code"] == "Ok", first["message"]
    good = model.run()
    assert good["code"] == "Ok"
    assert good["answers"] == first["answers"]
    assert good["checkpoints"] >= needed(case)
    memory, reads = model.memory(), good["reads"]
    for jump in sorted({1, (reads + 1) // 2, reads}):
        late = model.run(jump)
        assert late["code"] == "DeadlineExceeded", f"at read {jump} of {reads}"
        assert late["reads"] == jump
        assert late["checkpoints"] <= jump + UNWINDING
        assert model.memory() == memory
    again = model.run()
    assert again["code"] == "Ok"
    assert again["answers"] == good["answers"]
