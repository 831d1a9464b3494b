"""The largest time between two looks at the clock, for every case of tests/checkpoints, on one thread.

python benchmarks/checkpoint_gaps.py [--match RE] [--runs N] [--above MICROSECONDS]: cases whose gap is larger, worst first.
"""

import argparse
import os
import pathlib
import re
import sys

import numpy as np

TESTS = pathlib.Path(__file__).resolve().parent.parent / "tests"
os.environ.setdefault("CHECKPOINT_ELEMENTS", str(1 << 22))
sys.path[:0] = [str(TESTS / "checkpoints"), str(TESTS / "ops"), str(TESTS)]


def measure(case, runs):
    """(gap, checkpoints, where): the largest gap in microseconds of processor time, each gap the smallest of the runs'."""
    import checkpoint_table as table

    model = table.watched(case)
    model.run()
    seen = [model.run() for _ in range(runs)]
    count = min(len(s["cpu_gaps"]) for s in seen)
    gaps = np.min([s["cpu_gaps"][:count] for s in seen], axis=0)
    return gaps.max() / 1e3, seen[0]["checkpoints"], int(gaps.argmax())


def main():
    import checkpoint_table as table

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--match", default=".")
    parser.add_argument("--runs", type=int, default=4)
    parser.add_argument("--above", type=float, default=150.0)
    parser.add_argument("--list", action="store_true", help="every case, in order of the table")
    options = parser.parse_args()
    rows = []
    for name, case in table.CASES.items():
        if not re.search(options.match, name):
            continue
        try:
            gap, count, where = measure(case, options.runs)
        except Exception as problem:
            print(f"{name}: {problem}"[:300], flush=True)
            continue
        rows.append((gap, name, count, where))
        if options.list:
            print(f"{gap:10.1f} us  {count:8d} checkpoints, after {where:6d}  {name}", flush=True)
    late = sorted((r for r in rows if r[0] > options.above), reverse=True)
    for gap, name, count, where in late:
        print(f"{gap:10.1f} us  {count:8d} checkpoints, after {where:6d}  {name}")
    print(f"{len(rows)} cases, {len(late)} with a gap above {options.above:g} us")


if __name__ == "__main__":
    main()
