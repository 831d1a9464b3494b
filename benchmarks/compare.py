"""Two commits of the engine, interleaved on the same models: which became faster, which slower.

    python benchmarks/compare.py OLD NEW --zoo FOLDER [--models RE] [--threads 1 2] [--rounds 7] [--burst 0.2] [--cases 1]

FOLDER has NAME/model.onnx and NAME/cases/*.npz. Each commit is checked out and built once under build/compare/COMMIT (NEW may be
`worktree`, the build of `make build`). A model is called slower only when the best of the new rounds is slower than the worst of the old
ones, faster when the worst of the new is faster than the best of the old. Exit status 1 when one is slower.

    python benchmarks/compare.py HEAD~5 worktree --zoo ../zoo --models 'bert|resnet'
"""

import argparse
import contextlib
import math
import os
import pathlib
import re
import statistics
import subprocess
import sys

from racing import Contender

ROOT = pathlib.Path(__file__).resolve().parent.parent


def built(commit):
    """(short name, folder for PYTHONPATH) of a commit's build, made when there is none."""
    if commit == "worktree":
        return commit, ROOT / "build" / "dev" / "package"
    name = git("rev-parse", "--short=12", f"{commit}^{{commit}}")
    tree = ROOT / "build" / "compare" / name
    if not tree.exists():
        git("worktree", "add", "--detach", str(tree), name)
    print(f"building {name}", file=sys.stderr)
    cached = {**os.environ, "CCACHE_BASEDIR": str(tree), "CCACHE_NOHASHDIR": "1"}
    subprocess.run([sys.executable, str(tree / "tools" / "build.py")], check=True, stdout=subprocess.DEVNULL, env=cached)
    return name, tree / "build" / "dev" / "package"


def git(*arguments):
    return subprocess.run(
        ["git", "-C", str(ROOT), *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


def rounds_of(packages, model, case, threads, rounds, seconds):
    """For each package the best time of a call in each round; which package goes first changes with the round."""
    times = [[] for _ in packages]
    with contextlib.ExitStack() as stack:
        contenders = [
            stack.enter_context(Contender("engine", model, case, threads, python_path=package)) for package in packages
        ]
        for i in range(rounds):
            order = range(len(packages)) if i % 2 == 0 else reversed(range(len(packages)))
            for which in order:
                times[which].append(contenders[which].burst(seconds)["best"])
    return times


def verdict(old, new):
    if min(new) > max(old):
        return "slower"
    return "faster" if max(new) < min(old) else ""


def cases(zoo, pattern, count):
    for model in sorted(pathlib.Path(zoo).glob("*/model.onnx")):
        if re.search(pattern, model.parent.name):
            for case in sorted(model.parent.glob("cases/*.npz"))[:count]:
                yield model, case


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--zoo", required=True)
    parser.add_argument("--models", default="", metavar="RE")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--burst", type=float, default=0.2, metavar="SECONDS")
    parser.add_argument("--cases", type=int, default=1, help="of each model")
    a = parser.parse_args()
    names, packages = zip(*(built(commit) for commit in (a.old, a.new)), strict=True)
    print(f"{'model':32} {'case':>6} {'threads':>7} {names[0]:>15} {names[1]:>15}  old/new")
    ratios, slower = [], 0
    for model, case in cases(a.zoo, a.models, a.cases):
        for threads in a.threads:
            old, new = rounds_of(packages, model, case, threads, a.rounds, a.burst)
            ratios.append(statistics.median(old) / statistics.median(new))
            slower += verdict(old, new) == "slower"
            cells = "".join(f" {statistics.median(times) * 1e6:12.1f} us" for times in (old, new))
            print(
                f"{model.parent.name:32} {case.stem:>6} {threads:7}{cells}  {ratios[-1]:7.3f} {verdict(old, new)}",
                flush=True,
            )
    if not ratios:
        raise SystemExit(f"no model in {a.zoo} matches {a.models!r}")
    print(f"geometric mean {math.exp(statistics.fmean(map(math.log, ratios))):.3f}; slower: {slower} of {len(ratios)}")
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
