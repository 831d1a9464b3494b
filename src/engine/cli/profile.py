"""The steps of a run: what each took, what it had to do, and how near it came to what the machine reaches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import engine
    from engine._core import MachinePeak, StepProfile
    from engine.cli.feeds import Feeds


def fastest_run(model: engine.Model, feeds: Feeds, runs: int) -> list[StepProfile]:
    """The steps, in order, of the run of `runs` that took least."""
    model.run(feeds)
    return min((model.profile_steps(feeds)[1] for _ in range(runs)), key=seconds)


def seconds(steps: Sequence[StepProfile]) -> float:
    return sum(step["seconds"] for step in steps)


def roof(peak: MachinePeak, step: StepProfile) -> tuple[float, str] | None:
    """The seconds that the step cannot be done faster in, and what bounds it: "flops", or the smallest level that its bytes fit
    into. None where the shapes are not known."""
    if not step["shapes_known"]:
        return None
    computing = (step["flops"] or 0.0) / peak["flops"]
    level = next(x for x in peak["levels"] if x["fits"] is None or step["bytes"] <= x["fits"])
    moving = step["bytes"] / level["bytes"]
    return (computing, "flops") if computing > moving else (moving, level["name"])


def as_json(peak: MachinePeak, steps: Sequence[StepProfile]) -> dict[str, Any]:
    rows = []
    for step in steps:
        bound = roof(peak, step)
        roofs = {"roof_seconds": bound[0], "bound": bound[1]} if bound else {"roof_seconds": None, "bound": None}
        rows.append({**step, **roofs, "roof_share": _share(bound, step)})
    return {"machine": peak, "seconds": seconds(steps), "steps": rows}


def as_table(peak: MachinePeak, steps: Sequence[StepProfile], order: str) -> Iterator[str]:
    total = seconds(steps) or 1.0
    levels = ", ".join(f"{level['name']} {level['bytes'] / 1e9:.1f} GB/s" for level in peak["levels"])
    yield f"machine on {peak['threads']} threads: {peak['flops'] / 1e9:.1f} GF/s, {levels}"
    yield (
        f"{'step':>4} {'us':>10} {'time':>6} {'Mflop':>10} {'kB':>10} {'GF/s':>8} {'GB/s':>7} {'roof us':>9} {'of roof':>7} {'bound':<7} operator"
    )
    numbered = list(enumerate(steps))
    if order == "time":
        numbered.sort(key=lambda item: -item[1]["seconds"])
    for number, step in numbered:
        yield _row(peak, number, step, total)
    yield _totals(peak, steps)
    if any(step["flops"] is not None and not step["flops_counted"] for step in steps):
        yield "~ estimated: so many operations an element"


def _row(peak: MachinePeak, number: int, step: StepProfile, total: float) -> str:
    flops, time, bound = step["flops"], max(step["seconds"], 1e-9), roof(peak, step)
    mark = "" if flops is None or step["flops_counted"] else "~"
    counted = ["?", "?"] if flops is None else [f"{mark}{flops / 1e6:.3f}", f"{mark}{flops / time / 1e9:.1f}"]
    roof_us, name = (f"{bound[0] * 1e6:.2f}", bound[1]) if bound else ("?", "?")
    share = _share(bound, step)
    return (
        f"{number:4} {step['seconds'] * 1e6:10.1f} {step['seconds'] / total:6.1%} {counted[0]:>10} {step['bytes'] / 1e3:10.1f} "
        f"{counted[1]:>8} {step['bytes'] / time / 1e9:7.1f} {roof_us:>9} {'?' if share is None else f'{share:.0%}':>7} {name:<7} "
        f"{step['operator']}  {step['node']}  {step['outputs']}"
    ).rstrip()


def _totals(peak: MachinePeak, steps: Sequence[StepProfile]) -> str:
    known = [(step, bound) for step in steps if (bound := roof(peak, step))]
    time, least = seconds([step for step, _ in known]) or 1.0, sum(bound[0] for _, bound in known)
    flops, moved = sum(step["flops"] or 0.0 for step in steps), sum(step["bytes"] for step in steps)
    return (
        f"{'all':>4} {seconds(steps) * 1e6:10.1f} {1:6.1%} {flops / 1e6:10.3f} {moved / 1e3:10.1f} "
        f"{flops / time / 1e9:8.1f} {moved / time / 1e9:7.1f} {least * 1e6:9.2f} {least / time:>7.0%}"
    )


def _share(bound: tuple[float, str] | None, step: StepProfile) -> float | None:
    return bound[0] / step["seconds"] if bound and step["seconds"] > 0 else None


def by_operator(steps: Sequence[StepProfile]) -> list[tuple[str, float, int]]:
    """(operator, seconds, steps), the slowest first."""
    found: dict[str, tuple[float, int]] = {}
    for step in steps:
        time, count = found.get(step["operator"], (0.0, 0))
        found[step["operator"]] = (time + step["seconds"], count + 1)
    return sorted(((name, *both) for name, both in found.items()), key=lambda item: -item[1])
