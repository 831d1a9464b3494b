"""Load of every kind on two models at once while versions change: minutes of it, then every counter must add up.

    python tools/soak.py [--seconds 120]

Exit code 0: no torn answer, no error that was not asked for, started == the sum of outcomes, nothing in flight, and memory, threads
and file descriptors flat from the first half to the second.
"""

import argparse
import asyncio
import os
import random
import sys
import threading
import time
from collections import Counter

import engine

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests"))
from servicing import ENDLESS, constant_model, counting_model, feeds, ones

VALUES = (1, 2, 3, 4, 5)
SIDES = {"small": 64, "middling": 512}
EXPECTED = (engine.Overloaded, engine.DeadlineExceeded, engine.Cancelled, engine.InvalidInput)


class Soak:
    def __init__(self) -> None:
        self.sources = {name: [constant_model(v, side) for v in VALUES] for name, side in SIDES.items()}
        self.models = {
            name: engine.load(sources[0], name=name, threads=1, max_concurrency=2, max_queue=4, keep_versions=2)
            for name, sources in self.sources.items()
        }
        self.counter = engine.load(counting_model(), name="counter", threads=1, max_concurrency=2, max_queue=4)
        self.stop = threading.Event()
        self.seen: Counter[str] = Counter()
        self.wrong: list[str] = []

    def judge(self, answer: dict) -> None:
        y = answer["y"]
        if y.min() != y.max() or round(float(y[0, 0]), 3) not in VALUES:
            self.wrong.append(f"a torn answer: {y.min()} to {y.max()}")
        self.seen["answered"] += 1

    def fail(self, error: BaseException) -> None:
        if isinstance(error, EXPECTED):
            self.seen[type(error).__name__] += 1
        else:
            self.wrong.append(f"{type(error).__name__}: {error}")

    def call(self, rng: random.Random) -> None:
        name = rng.choice(list(self.models))
        model, inputs = self.models[name], ones(SIDES[name])
        kind = rng.randrange(10)
        if kind < 4:
            self.judge(
                model.run(inputs, timeout=rng.choice((None, 5.0, 0.002, 0.0)), priority=rng.choice((None, "high")))
            )
        elif kind < 6:
            self.judge(model.submit(inputs, timeout=5.0).result())
        elif kind == 6:
            self.counter.submit(feeds(ENDLESS)).cancel()
        elif kind == 7:
            self.counter.run(feeds(ENDLESS), timeout=0.002)
        elif kind == 8:
            model.run({"x": inputs["x"][:, 1:]})
        else:
            token = engine.CancelToken()
            future = self.counter.submit(feeds(ENDLESS), cancel=token)
            token.cancel()
            future.result()

    def caller(self, seed: int) -> None:
        rng = random.Random(seed)
        while not self.stop.is_set():
            try:
                self.call(rng)
            except Exception as error:  # noqa: BLE001 - judged there
                self.fail(error)

    async def tasks(self, rng: random.Random) -> None:
        while not self.stop.is_set():
            calls = [self.models["small"].run_async(ones(SIDES["small"]), timeout=5.0) for _ in range(8)]
            calls += [asyncio.wait_for(self.counter.run_async(feeds(ENDLESS)), rng.random() * 0.003)]
            for answer in await asyncio.gather(*calls, return_exceptions=True):
                if isinstance(answer, dict):
                    self.judge(answer)
                elif not isinstance(answer, asyncio.TimeoutError):
                    self.fail(answer)

    def loop(self, seed: int) -> None:
        asyncio.run(self.tasks(random.Random(seed)))

    def reloader(self, seed: int) -> None:
        rng = random.Random(seed)
        while not self.stop.wait(0.01):
            name = rng.choice(list(self.models))
            try:
                kind = rng.randrange(4)
                if kind == 0:
                    self.models[name].rollback()
                elif kind == 1:
                    self.models[name].reload(rng.choice((b"nonsense", counting_model(), self.sources[name][0][:99])))
                else:
                    self.models[name].reload(rng.choice(self.sources[name]))
                self.seen["versions"] += 1
            except (engine.NotReady, engine.InvalidModel):
                self.seen["versions refused"] += 1
            except Exception as error:  # noqa: BLE001
                self.fail(error)

    def short_lives(self) -> None:
        while not self.stop.wait(0.02):
            try:
                model = engine.load(counting_model(), threads=1, max_concurrency=1)
                futures = [model.submit(feeds(ENDLESS)) for _ in range(3)]
                report = model.drain(0.002)
                ended = [type(future.exception()) for future in futures]
                if report.cancelled + report.finished != 3 or not set(ended) <= {engine.Cancelled, engine.Draining}:
                    self.wrong.append(f"drain: {report}, {ended}")
                adds_up(model, self.wrong)
                model.close()
                self.seen["drains"] += 1
            except Exception as error:  # noqa: BLE001
                self.fail(error)

    def run(self, seconds: float) -> bool:
        work = [(self.caller, (seed,)) for seed in range(4)] + [
            (self.loop, (9,)),
            (self.reloader, (10,)),
            (self.short_lives, ()),
        ]
        threads = [threading.Thread(target=target, args=args, daemon=True) for target, args in work]
        for thread in threads:
            thread.start()
        samples = self.watch(seconds)
        self.stop.set()
        for thread in threads:
            thread.join(60)
        if any(thread.is_alive() for thread in threads):
            self.wrong.append("a thread hangs")
        for model in (*self.models.values(), self.counter):
            adds_up(model, self.wrong)
        self.wrong += growth(samples)
        return not self.wrong

    def watch(self, seconds: float) -> list[dict[str, int]]:
        began, samples = time.monotonic(), []
        pause = max(0.1, seconds / 60)
        while (passed := time.monotonic() - began) < seconds:
            time.sleep(min(pause, seconds - passed))
            samples.append(resources())
            facts = ", ".join(f"{key} {count}" for key, count in {**self.seen, **samples[-1]}.items())
            print(f"{passed + pause:6.0f} s  {facts}, wrong {len(self.wrong)}", flush=True)
        return samples


def adds_up(model: engine.Model, wrong: list[str]) -> None:
    """Ends are counted just after the answer: a moment's patience."""
    end = time.monotonic() + 10
    while (stats := model.stats())["in_flight"] and time.monotonic() < end:
        time.sleep(0.001)
    held = [stats[key] for key in ("in_flight", "running", "queued")]
    if any(held) or stats["started"] != sum(stats["outcomes"].values()):
        wrong.append(
            f"{model.name}: in flight, running, queued {held}, started {stats['started']}, {stats['outcomes']}"
        )


def resources() -> dict[str, int]:
    with open("/proc/self/status") as status:
        facts = dict(line.split(":", 1) for line in status)
    return {
        "rss_mib": int(facts["VmRSS"].split()[0]) >> 10,
        "os_threads": int(facts["Threads"]),
        "descriptors": len(os.listdir("/proc/self/fd")),
    }


ROOM = {"rss_mib": 24, "os_threads": 8, "descriptors": 4}


def growth(samples: list[dict[str, int]]) -> list[str]:
    """What the last quarter holds beyond the most of the second quarter."""
    quarter = len(samples) // 4
    if quarter < 2:
        return []
    wrong = []
    for key, room in ROOM.items():
        before = max(sample[key] for sample in samples[quarter : 2 * quarter])
        after = min(sample[key] for sample in samples[3 * quarter :])
        if after > before + room + before // 20:
            wrong.append(f"{key} grew from {before} to {after}")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120)
    soak = Soak()
    good = soak.run(parser.parse_args().seconds)
    for problem in soak.wrong[:20]:
        print("wrong:", problem)
    print("good" if good else "not good")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
